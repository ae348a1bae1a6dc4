// SPDX-License-Identifier: Apache-2.0
import Linux

/// Names for devices that nobody has named: to be read out, written down and told apart.
///
/// Four words of two syllables, 16 bits each, as proquints have them (arXiv:0901.4016): 64 bits
/// that nobody can foretell, for example `lusab-babad-gutih-tugad`.
enum DeviceName {
  private static let consonants = Array("bdfghjklmnprstvz".utf8)
  private static let vowels = Array("aiou".utf8)
  /// Of what goes into a certificate's common name. RFC 5280, ub-common-name.
  static let byteCountMax = 64

  static func draw() -> String { name(of: Process.randomBytes(8)) }

  static func name(of random: [UInt8]) -> String {
    var name: [UInt8] = []
    for index in stride(from: 0, to: random.count - 1, by: 2) {
      let word = Int(random[index]) << 8 | Int(random[index + 1])
      if !name.isEmpty { name.append(UInt8(ascii: "-")) }
      name += [
        consonants[word >> 12], vowels[word >> 10 & 3], consonants[word >> 6 & 15],
        vowels[word >> 4 & 3], consonants[word & 15],
      ]
    }
    return String(decoding: name, as: UTF8.self)
  }

  /// Visible ASCII without blanks and quotes: it goes into certificates, URLs and JSON.
  static func isValid(_ name: String) -> Bool {
    let bytes = name.utf8
    return (1...byteCountMax).contains(bytes.count)
      && bytes.allSatisfy {
        $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
      }
  }
}

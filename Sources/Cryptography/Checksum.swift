// SPDX-License-Identifier: Apache-2.0

/// A SHA-256: 32 bytes, ordered bytewise, which is also the order of the hex.
///
/// Held as four words and not as an array, so that a million of them cost 32 MB and no allocation.
@frozen public struct Checksum: Hashable, Comparable, Sendable {
  private let words: (UInt64, UInt64, UInt64, UInt64)

  public static let byteCount = 32

  /// From exactly 32 bytes.
  public init?(_ bytes: Span<UInt8>) {
    guard bytes.count == Checksum.byteCount else { return nil }
    words = (
      Checksum.word(bytes, 0), Checksum.word(bytes, 8), Checksum.word(bytes, 16),
      Checksum.word(bytes, 24)
    )
  }

  public init?(_ bytes: ArraySlice<UInt8>) { self.init(bytes.span) }

  public init?(_ bytes: [UInt8]) { self.init(bytes.span) }

  private static func word(_ bytes: Span<UInt8>, _ start: Int) -> UInt64 {
    var word: UInt64 = 0
    for index in start..<start + 8 { word = word << 8 | UInt64(bytes[index]) }
    return word
  }

  /// From exactly 64 lower-case hexadecimal digits, as OSTree writes them.
  public init?(hex: String) {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var count = 0
    for character in hex.utf8 {
      guard count < 64, let digit = Checksum.digit(character) else { return nil }
      switch count / 16 {
      case 0: words.0 = words.0 << 4 | digit
      case 1: words.1 = words.1 << 4 | digit
      case 2: words.2 = words.2 << 4 | digit
      default: words.3 = words.3 << 4 | digit
      }
      count += 1
    }
    guard count == 64 else { return nil }
    self.words = words
  }

  private static func digit(_ character: UInt8) -> UInt64? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(character - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(character - UInt8(ascii: "a") + 10)
    default: nil
    }
  }

  /// The byte at `index`, 0 to 31.
  public subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < Checksum.byteCount)
    let word =
      switch index / 8 {
      case 0: words.0
      case 1: words.1
      case 2: words.2
      default: words.3
      }
    return UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (index % 8)))
  }

  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Checksum.byteCount)
    append(to: &bytes)
    return bytes
  }

  public func append(to bytes: inout [UInt8]) {
    for index in 0..<Checksum.byteCount { bytes.append(self[index]) }
  }

  /// 64 lower-case digits.
  public var hex: String {
    unsafe String(unsafeUninitializedCapacity: 64) { text in
      for index in 0..<Checksum.byteCount {
        let byte = self[index]
        unsafe text[2 * index] = Checksum.character(byte >> 4)
        unsafe text[2 * index + 1] = Checksum.character(byte & 15)
      }
      return 64
    }
  }

  private static func character(_ digit: UInt8) -> UInt8 {
    digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
  }

  public static func == (left: Checksum, right: Checksum) -> Bool { left.words == right.words }

  public static func < (left: Checksum, right: Checksum) -> Bool { left.words < right.words }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Bytes between `-----BEGIN LABEL-----` and `-----END LABEL-----`, in base64. RFC 7468.
public enum PEM {
  /// Digits on a line.
  private static let columns = 64

  /// One block, with a line end behind each line.
  public static func encode(_ bytes: Span<UInt8>, label: String) -> String {
    var text = "-----BEGIN \(label)-----\n"
    let digits = Array(Base64.encode(bytes).utf8)
    for start in stride(from: 0, to: digits.count, by: columns) {
      let line = digits[start..<min(start + columns, digits.count)]
      text += String(decoding: line, as: UTF8.self) + "\n"
    }
    return text + "-----END \(label)-----\n"
  }

  /// The bytes of the only block of `text`, if it has this label. What stands outside of blocks is
  /// passed over, as OpenSSL does.
  public static func decode(_ text: String, label: String) -> [UInt8]? {
    guard let blocks = blocks(of: text), blocks.count == 1,
      blocks[0].label.utf8.elementsEqual(label.utf8)
    else { return nil }
    return blocks[0].bytes
  }

  /// Every block in order. Nil if one does not end, holds something else than base64, or has
  /// headers, as keys encrypted in the old way have.
  public static func blocks(of text: String) -> [(label: String, bytes: [UInt8])]? {
    var blocks: [(label: String, bytes: [UInt8])] = []
    var label: ArraySlice<UInt8>?
    var digits: [UInt8] = []
    for line in Array(text.utf8).split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
      let line = trimmed(line)
      if let open = label {
        guard let end = name(in: line, after: "-----END ") else {
          digits += line
          continue
        }
        guard end.elementsEqual(open),
          let bytes = Base64.decode(String(decoding: digits, as: UTF8.self))
        else { return nil }
        blocks.append((String(decoding: open, as: UTF8.self), bytes))
        label = nil
      } else if let begin = name(in: line, after: "-----BEGIN ") {
        label = begin
        digits = []
      }
    }
    return label == nil ? blocks : nil
  }

  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var line = line
    while let last = line.last, last == 0x20 || last == 0x09 { line.removeLast() }
    return line
  }

  private static func name(in line: ArraySlice<UInt8>, after start: String) -> ArraySlice<UInt8>? {
    let end = "-----"
    guard line.starts(with: start.utf8), line.count > start.utf8.count + end.utf8.count,
      line.suffix(end.utf8.count).elementsEqual(end.utf8)
    else { return nil }
    return line.dropFirst(start.utf8.count).dropLast(end.utf8.count)
  }
}

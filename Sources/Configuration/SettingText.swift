// SPDX-License-Identifier: Apache-2.0

/// The forms that values take in a file. Each reader gives nil for what is not of its form.
enum SettingText {
  /// Without blanks around it, which nobody sees in a file.
  static func trimmed(_ text: String) -> String {
    var bytes = text.utf8.drop(while: isBlank)
    while let last = bytes.last, isBlank(last) { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || (9...13).contains(byte)
  }

  static func plain(_ text: String) -> String? {
    text.isEmpty || text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) ? nil : text
  }

  static func folderName(_ text: String) -> String? {
    if text.utf8.contains(UInt8(ascii: "/")) || text.utf8.elementsEqual(".".utf8)
      || text.utf8.elementsEqual("..".utf8)
    {
      return nil
    }
    return plain(text)
  }

  static func path(_ text: String) -> String? {
    text.utf8.first == UInt8(ascii: "/") ? plain(text) : nil
  }

  /// Separated by `;`; at least one, and none is empty.
  static func list(_ text: String) -> [String]? {
    var values: [String] = []
    for part in text.utf8.split(separator: UInt8(ascii: ";")) {
      guard let value = plain(trimmed(String(decoding: part, as: UTF8.self))) else { return nil }
      values.append(value)
    }
    return values.isEmpty ? nil : values
  }

  /// The same of paths.
  static func paths(_ text: String) -> [String]? {
    var paths: [String] = []
    for part in text.utf8.split(separator: UInt8(ascii: ";")) {
      guard let path = path(trimmed(String(decoding: part, as: UTF8.self))) else { return nil }
      paths.append(path)
    }
    return paths.isEmpty ? nil : paths
  }

  static func url(_ text: String) -> String? {
    var rest = text.utf8[...]
    if rest.starts(with: "https://".utf8) {
      rest = rest.dropFirst(8)
    } else if rest.starts(with: "http://".utf8) {
      rest = rest.dropFirst(7)
    } else {
      return nil
    }
    guard let first = rest.first, first != UInt8(ascii: "/"), first != UInt8(ascii: ":"),
      !rest.contains(where: { $0 <= 0x20 || $0 >= 0x7F })
    else { return nil }
    return text
  }

  static func proxy(_ text: String) -> ProxySetting? {
    if text.utf8.elementsEqual("none".utf8) { return ProxySetting.none }
    return url(text).map { .url($0) }
  }

  /// As `ByteCount`, and more than zero.
  static func size(_ text: String) -> UInt64? {
    guard let size = ByteCount.parse(text), size > 0 else { return nil }
    return size
  }

  static func sizeOrPercent(_ text: String) -> SpaceReserve? {
    if text.utf8.last == UInt8(ascii: "%") {
      guard let percent = ByteCount.digits(text.utf8.dropLast()), percent <= 99 else { return nil }
      return .percent(Int(percent))
    }
    return ByteCount.parse(text).map { .bytes($0) }
  }
}

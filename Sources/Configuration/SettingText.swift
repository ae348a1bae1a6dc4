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

  /// Separated by `;`; at least one.
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

  /// `1500`, `200K`, `2M`, `1G`; the letter in either case, also as `KiB`, `KB` and so on, and
  /// always a power of 1024. More than zero.
  static func size(_ text: String) -> UInt64? {
    guard let size = sizeOrZero(text), size > 0 else { return nil }
    return size
  }

  static func sizeOrPercent(_ text: String) -> SpaceReserve? {
    if text.utf8.last == UInt8(ascii: "%") {
      guard let percent = digits(text.utf8.dropLast()), percent <= 99 else { return nil }
      return .percent(Int(percent))
    }
    return sizeOrZero(text).map { .bytes($0) }
  }

  private static func sizeOrZero(_ text: String) -> UInt64? {
    let number = text.utf8.prefix { (0x30...0x39).contains($0) }
    guard let count = digits(number), let factor = factor(text.utf8.dropFirst(number.count)) else {
      return nil
    }
    let (size, isTooLarge) = count.multipliedReportingOverflow(by: factor)
    return isTooLarge ? nil : size
  }

  private static func factor(_ unit: Substring.UTF8View) -> UInt64? {
    var letters = unit
    if letters.last == UInt8(ascii: "B") || letters.last == UInt8(ascii: "b") {
      letters.removeLast()
      if letters.last == UInt8(ascii: "i"), letters.count > 1 { letters.removeLast() }
    }
    if letters.isEmpty { return 1 }
    guard letters.count == 1, let letter = letters.first else { return nil }
    switch letter | 0x20 {
    case UInt8(ascii: "k"): return 1 << 10
    case UInt8(ascii: "m"): return 1 << 20
    case UInt8(ascii: "g"): return 1 << 30
    case UInt8(ascii: "t"): return 1 << 40
    default: return nil
    }
  }

  private static func digits(_ text: Substring.UTF8View) -> UInt64? {
    guard !text.isEmpty, text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return UInt64(String(decoding: text, as: UTF8.self))
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A number of bytes as people write it, in files and on the command line alike: `1500`, `200K`,
/// `2M`, `1G`; the letter in either case, also as `KiB`, `KB` and so on, and always a power of
/// 1024, as in the files of systemd and in `curl --limit-rate`.
public enum ByteCount {
  /// Nil for what is not of this form, and for more than 64 bits hold.
  public static func parse(_ text: String) -> UInt64? {
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

  static func digits(_ text: Substring.UTF8View) -> UInt64? {
    guard !text.isEmpty, text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return UInt64(String(decoding: text, as: UTF8.self))
  }
}

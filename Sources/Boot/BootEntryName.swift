// SPDX-License-Identifier: Apache-2.0

/// The file name of a boot entry that OSTree made.
///
/// `ostree-VERSION-STATEROOT.conf`, and from libostree 2024.5 on `ostree-VERSION.conf`. A count of
/// trial boots may stand before the suffix: `+LEFT`, or `+LEFT-DONE` once the boot loader has
/// taken one off (Boot Loader Specification, "Boot counting").
public struct BootEntryName: Hashable, Sendable {
  /// The highest is the newest, and is what boots.
  public var version: Int
  /// Nil in names of the newer style.
  public var stateroot: String?
  public var counter: BootCounter?

  public init(version: Int, stateroot: String?, counter: BootCounter? = nil) {
    self.version = version
    self.stateroot = stateroot
    self.counter = counter
  }

  /// Whether libostree would read the file as one of its own.
  static func isOurs(_ name: String) -> Bool {
    let bytes = name.utf8
    return bytes.starts(with: "ostree-".utf8) && bytes.reversed().starts(with: "fnoc.".utf8)
  }

  /// Nil if it is the name of something else.
  public init?(_ name: String) {
    guard BootEntryName.isOurs(name), name.utf8.count >= 12 else { return nil }
    var rest = name.utf8.dropFirst(7).dropLast(5)
    counter = BootCounter(takenFrom: &rest)
    let digits = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    guard let version = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
    self.version = version
    rest = rest.dropFirst(digits.count)
    if rest.isEmpty { return }
    guard rest.removeFirst() == UInt8(ascii: "-"), !rest.isEmpty else { return nil }
    stateroot = String(rest)
  }

  public var text: String {
    var text = "ostree-\(version)"
    if let stateroot { text += "-\(stateroot)" }
    if let counter { text += counter.text }
    return text + ".conf"
  }
}

/// How often an entry may still be tried, and how often it has been.
public struct BootCounter: Hashable, Sendable {
  public var left: Int
  /// Nil until the boot loader has counted for the first time.
  public var done: Int?

  public init(left: Int, done: Int? = nil) {
    self.left = left
    self.done = done
  }

  var text: String { done.map { "+\(left)-\($0)" } ?? "+\(left)" }

  /// Takes `+LEFT` or `+LEFT-DONE` off the end of a name.
  fileprivate init?(takenFrom name: inout Substring.UTF8View) {
    guard let plus = name.lastIndex(of: UInt8(ascii: "+")) else { return nil }
    let parts = name[plus...].dropFirst().split(
      separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard parts.count == 1 || parts.count == 2, let left = Self.number(parts[0]) else { return nil }
    self.left = left
    if parts.count == 2 {
      guard let done = Self.number(parts[1]) else { return nil }
      self.done = done
    }
    name = name[..<plus]
  }

  private static func number(_ digits: Substring.UTF8View) -> Int? {
    let all = digits.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    return all ? Int(String(decoding: digits, as: UTF8.self)) : nil
  }
}

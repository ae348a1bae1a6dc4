// SPDX-License-Identifier: Apache-2.0

/// Which of the two sets of boot entries: `loader.0` or `loader.1`, and `ostree/boot.0` or
/// `ostree/boot.1` with it. The set that is not in force is free to be written.
public enum BootVersion: UInt8, Hashable, Sendable {
  case zero = 0
  case one = 1

  public var other: BootVersion { self == .zero ? .one : .zero }

  /// `loader.0` or `loader.1`.
  public var loaderName: String { "loader.\(rawValue)" }

  /// From the target of the link `loader`.
  init?(loaderTarget target: String) {
    var name = target.utf8[...]
    while name.last == UInt8(ascii: "/") { name.removeLast() }
    if name.elementsEqual("loader.0".utf8) {
      self = .zero
    } else if name.elementsEqual("loader.1".utf8) {
      self = .one
    } else {
      return nil
    }
  }
}

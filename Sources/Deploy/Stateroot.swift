// SPDX-License-Identifier: Apache-2.0
import Linux

/// One operating system in a sysroot, with a /var of its own: `ostree/deploy/NAME`.
enum Stateroot {
  /// Whether a name can be one part of a path, which is all that libostree asks for.
  static func isName(_ name: String) -> Bool {
    let bytes = name.utf8
    return !bytes.isEmpty && bytes.count <= 255 && !same(name, ".") && !same(name, "..")
      && !bytes.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 }
  }

  /// Whether coppice makes a stateroot of that name: letters, digits, `-`, `_`, `.`, and neither
  /// of the last three in front. Blanks would take boot entries apart.
  static func isGoodName(_ name: String) -> Bool {
    guard isName(name), let first = name.utf8.first, isLetterOrDigit(first) else { return false }
    return name.utf8.allSatisfy {
      isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
        || $0 == UInt8(ascii: ".")
    }
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}

extension Sysroot {
  /// The names of all stateroots, sorted.
  public func stateroots() throws(DeployError) -> [String] {
    let entries = try at(place("deploy")) { () throws(Errno) -> [DirectoryEntry] in
      do throws(Errno) {
        return try store.open("deploy", [.readOnly, .directory]).sortedEntries()
      } catch {
        if error == .notFound { return [] }
        throw error
      }
    }
    var names: [String] = []
    for entry in entries where Stateroot.isName(entry.name) {
      let isDirectory = try at(place("deploy/\(entry.name)")) { () throws(Errno) in
        try store.status(of: "deploy/\(entry.name)").type == .directory
      }
      if isDirectory { names.append(entry.name) }
    }
    return names
  }

  /// The stateroot that is meant: the named one, else the booted one's, else that of the first
  /// deployment if all have the same, else the only one there is.
  ///
  /// Throws `noStateroot` or `whichStateroot`.
  func stateroot(_ name: String?, _ state: SysrootState) throws(DeployError) -> String {
    let names = try stateroots()
    if let name {
      guard names.contains(where: { same($0, name) }) else {
        throw .noStateroot(path: path, name: name)
      }
      return name
    }
    if let booted = state.booted { return booted.stateroot }
    if let first = state.deployments.first, !state.hasSeveralStateroots { return first.stateroot }
    guard let only = names.first, names.count == 1 else { throw .whichStateroot(names) }
    return only
  }
}

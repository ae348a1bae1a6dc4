// SPDX-License-Identifier: Apache-2.0
import Linux

// Between extended attributes of files and those of headers. libostree leaves out attributes
// whose value is empty when it reads a file, and sorts the rest by name; so do we.
extension ExtendedAttribute {
  static func read(from file: borrowing FileDescriptor) throws(Errno) -> [ExtendedAttribute] {
    var found: [ExtendedAttribute] = []
    for name in try file.extendedAttributeNames() {
      guard let value = try file.extendedAttribute(name), !value.isEmpty else { continue }
      found.append(ExtendedAttribute(name: name, value: value))
    }
    return sorted(found)
  }

  static func read(
    of path: String, in directory: borrowing FileDescriptor
  ) throws(Errno) -> [ExtendedAttribute] {
    var found: [ExtendedAttribute] = []
    for name in try directory.extendedAttributeNames(of: path) {
      guard let value = try directory.extendedAttribute(name, of: path), !value.isEmpty else {
        continue
      }
      found.append(ExtendedAttribute(name: name, value: value))
    }
    return sorted(found)
  }

  private static func sorted(_ attributes: [ExtendedAttribute]) -> [ExtendedAttribute] {
    attributes.count < 2
      ? attributes : attributes.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }
}

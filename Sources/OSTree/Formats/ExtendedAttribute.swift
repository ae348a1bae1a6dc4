// SPDX-License-Identifier: Apache-2.0
import Codec

/// An extended attribute as OSTree stores it. In lists they are sorted by the bytes of their
/// names. Shape: `(ayay)`, the name with a NUL at its end. xattr(7).
public struct ExtendedAttribute: Hashable, Sendable {
  /// Without a NUL.
  public let name: [UInt8]
  public let value: [UInt8]

  public init(name: [UInt8], value: [UInt8]) {
    self.name = name
    self.value = value
  }

  /// Reads an `a(ayay)` that is sorted, without doubles and without empty names.
  static func parse(_ list: GVariant) throws(FormatError) -> [ExtendedAttribute] {
    var attributes: [ExtendedAttribute] = []
    for index in 0..<list.count {
      let entry = list[index]
      var name = Array(entry[0].byteString)
      guard name.popLast() == 0, !name.isEmpty, !name.contains(0) else {
        throw .attributeName(at: index)
      }
      if let last = attributes.last, !last.name.lexicographicallyPrecedes(name) {
        throw .attributeOrder(at: index)
      }
      attributes.append(ExtendedAttribute(name: name, value: Array(entry[1].byteString)))
    }
    return attributes
  }

  /// The list as it is written: sorted by name.
  static func value(_ attributes: [ExtendedAttribute]) -> GVariantValue {
    let sorted =
      attributes.count < 2
      ? attributes : attributes.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    return .array(
      elementType: "(ayay)", sorted.map { .tuple([.bytes($0.name + [0]), .bytes($0.value)]) })
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A variable in a boot loader's store.
public struct LoaderVariable: Hashable, Sendable {
  public let name: String
  public let value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  public static func == (one: LoaderVariable, other: LoaderVariable) -> Bool {
    one.name.utf8.elementsEqual(other.name.utf8) && one.value.utf8.elementsEqual(other.value.utf8)
  }
}

extension [LoaderVariable] {
  /// The value of the first variable of that name.
  func value(of name: String) -> String? {
    first { $0.name.utf8.elementsEqual(name.utf8) }?.value
  }
}

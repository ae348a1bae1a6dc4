// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a GVariant in normal form. `at` is a byte offset from the start of the
/// outermost value.
public enum GVariantError: Error, Hashable, Sendable {
  /// The type that was asked for is not one complete, definite type within our limits.
  case type(String)
  /// The length does not fit the type of the value that begins here.
  case size(at: Int)
  /// A boolean that is neither 0 nor 1.
  case boolean(at: Int)
  /// Not UTF-8, a NUL inside, or none at the end.
  case string(at: Int)
  case objectPath(at: Int)
  case signature(at: Int)
  /// A byte between values, or the one after a maybe's value, is not zero.
  case padding(at: Int)
  /// A framing offset points back, out of its container, or does not meet the value before it.
  case offset(at: Int)
  /// The framing offsets are not of the least width, or do not fill their table.
  case framing(at: Int)
  /// A variant that does not end in zero and one complete type.
  case variantType(at: Int)
  /// Nested deeper than `GVariant.depthMax`.
  case depth(at: Int)
}

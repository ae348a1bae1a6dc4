// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not JSON as we read it. `at` is a byte offset from the start of the document.
public enum JSONError: Error, Hashable, Sendable {
  /// More bytes than `JSONDocument.byteCountMax`.
  case tooLarge(byteCount: Int)
  /// Not UTF-8, or a NUL.
  case notText(at: Int)
  /// Something else than what JSON has here, or the end of the document too early.
  case unexpected(at: Int)
  /// Something behind the value that is the document.
  case trailing(at: Int)
  /// A fraction, an exponent, a leading zero, or no digit at all.
  case number(at: Int)
  /// A control character in a string, or a backslash before what it does not escape.
  case string(at: Int)
  /// Half of a surrogate pair, written as `\uXXXX`.
  case surrogate(at: Int)
  /// A name that its object has already.
  case duplicateName(at: Int)
  /// Nested deeper than `JSONDocument.depthMax`.
  case depth(at: Int)
}

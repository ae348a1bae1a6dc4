// SPDX-License-Identifier: Apache-2.0

/// A JSON document that was read: the bytes as they were received, checked once.
///
/// There is no tree in memory. A node is a position in the bytes, and what lies behind it is found
/// by walking over them; beside the bytes only the ends of long values are kept, so that a document
/// of 8 MiB costs its bytes and seldom more than a hundredth of them. RFC 8259, stricter: UTF-8
/// without a byte order mark, whole numbers only, no name twice in an object, no half of a
/// surrogate pair.
public final class JSONDocument: Sendable {
  /// Arrays and objects inside each other. The walks recurse as deep and stay far below the 256 KiB
  /// stack of a worker thread.
  public static let depthMax = 64
  /// Offsets are kept in 32 bits.
  public static let byteCountMax = 1 << 30

  let text: JSONText
  /// Where the outermost value begins.
  private let start: Int
  /// Whether no string has a character above U+007E, raw or escaped. Then both spellings of the
  /// `ota` dialect are the same bytes.
  public let isPlainASCII: Bool

  /// Checks all of `bytes` in one pass and keeps them. The cost grows with their number times, for
  /// objects that are not sorted, the logarithm of their members; there is no input that makes it
  /// quadratic. The document is anything: an object, a string, a number.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    guard bytes.count <= JSONDocument.byteCountMax else {
      throw .tooLarge(byteCount: bytes.count)
    }
    if let position = UTF8Check.firstFault(bytes.span, 0..<bytes.count) {
      throw .notText(at: position)
    }
    var check = JSONCheck(bytes)
    start = try check.document()
    text = check.text
    isPlainASCII = check.isPlainASCII
  }

  /// The document as it was received, byte for byte.
  public var bytes: [UInt8] { text.bytes }

  /// The outermost value.
  public var root: JSONNode { JSONNode(document: self, position: start) }
}

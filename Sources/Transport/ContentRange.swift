// SPDX-License-Identifier: Apache-2.0

/// What a Content-Range header says: `bytes 5-9/10`, `bytes 5-9/*` or `bytes */10`. RFC 9110 14.4.
struct ContentRange: Hashable {
  /// First and last byte; nil in the answer to a range that cannot be satisfied.
  let first: UInt64?
  let last: UInt64?
  let total: UInt64?

  /// Nil if malformed or contradictory.
  init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count > 6, bytes.span.extracting(0..<6).isEqual("bytes "),
      let slash = bytes.firstIndex(of: UInt8(ascii: "/"))
    else { return nil }
    let range = bytes[6..<slash]
    let size = bytes[(slash + 1)...]

    if size.elementsEqual("*".utf8) {
      total = nil
    } else {
      guard let number = size.decimalNumber else { return nil }
      total = number
    }
    if range.elementsEqual("*".utf8) {
      (first, last) = (nil, nil)
      if total == nil { return nil }
      return
    }
    guard let dash = range.firstIndex(of: UInt8(ascii: "-")),
      let first = range[..<dash].decimalNumber,
      let last = range[(dash + 1)...].decimalNumber,
      first <= last, last < total ?? .max
    else { return nil }
    (self.first, self.last) = (first, last)
  }
}

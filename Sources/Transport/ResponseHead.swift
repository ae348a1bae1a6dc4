// SPDX-License-Identifier: Apache-2.0

/// Status and headers of a response, as far as we have a use for them. RFC 9112 2 to 6.
///
/// Strict: what RFC 9112 lets a lenient reader repair (bare LF, folded headers, blanks before a
/// colon, several lengths) is refused, because two readers that repair differently can be made to
/// disagree on where a response ends.
struct ResponseHead {
  /// Status line and headers together; also what the receive buffer must be able to hold.
  static let byteCountMax = 16 << 10
  static let lineByteCountMax = 8 << 10
  static let headersMax = 100

  private(set) var status = 0
  private(set) var isHTTP10 = false
  private(set) var contentLength: UInt64?
  private(set) var isChunked = false
  private(set) var closes = false
  private(set) var keepsAlive = false
  private(set) var location: String?
  private(set) var etag: String?
  private(set) var lastModified: String?
  private(set) var retryAfter: String?
  private(set) var date: String?
  private(set) var contentRange: String?
  private(set) var isEncoded = false
  /// Headers so far.
  private var headers = 0

  /// Of a response whose headers come one by one: HTTP/2. RFC 9113 8.3.2.
  init(status: Int) throws(MalformedResponse) {
    guard (100...599).contains(status) else { throw .statusLine }
    self.status = status
  }

  /// Adds one of them, whose characters are known to be fit for it.
  mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(MalformedResponse) {
    headers += 1
    guard headers <= ResponseHead.headersMax else { throw .tooManyHeaders }
    guard name.count + value.count <= ResponseHead.lineByteCountMax else { throw .headTooLong }
    try keep(name, value)
  }

  /// Reads a complete head, which ends in an empty line. `HeadScanner` finds that end.
  init(_ bytes: Span<UInt8>) throws(MalformedResponse) {
    var position = 0
    try readStatusLine(bytes.extracting(ResponseHead.takeLine(bytes, &position)))
    while true {
      let line = ResponseHead.takeLine(bytes, &position)
      if line.isEmpty { break }
      headers += 1
      guard headers <= ResponseHead.headersMax else { throw .tooManyHeaders }
      guard line.count <= ResponseHead.lineByteCountMax else { throw .headTooLong }
      try readHeader(bytes.extracting(line))
    }
    if isChunked && contentLength != nil { throw .ambiguousLength }
    if isChunked && isHTTP10 { throw .transferEncoding }
  }

  /// Whether the connection may be used again once the body is complete. RFC 9112 9.3.
  var isPersistent: Bool { !closes && (!isHTTP10 || keepsAlive) }

  /// A strong ETag, else a time of change that lies at least a second before the answer: within
  /// one second a file may change twice. RFC 9110 8.8.2.2, 8.8.3.
  var validator: String? {
    if let etag, etag.utf8.first == UInt8(ascii: "\"") { return etag }
    guard let lastModified, let changed = HTTPDate.parse(lastModified),
      let answered = date.flatMap({ HTTPDate.parse($0) }), answered > changed
    else { return nil }
    return lastModified
  }

  /// What names this content the next time; empty if the next change might go by the same names:
  /// servers make both from a time of whole seconds, so the last one must be two seconds old. An
  /// ETag without a time of change is taken for what it should be.
  var conditions: Conditions {
    guard let lastModified else { return Conditions(etag: etag) }
    guard let changed = HTTPDate.parse(lastModified), let answered = date.flatMap(HTTPDate.parse),
      answered - changed >= 2
    else { return Conditions() }
    return Conditions(etag: etag, lastModified: lastModified)
  }

  /// The range of the next line without its end, which the scanner has seen to be there.
  private static func takeLine(_ bytes: Span<UInt8>, _ position: inout Int) -> Range<Int> {
    let start = position
    while position < bytes.count && bytes[position] != 13 { position += 1 }
    let end = position
    position = min(position + 2, bytes.count)
    return start..<end
  }

  /// `HTTP/1.1 200 reason`. Servers leave the blank before an empty reason out, and so may they.
  private mutating func readStatusLine(_ line: Span<UInt8>) throws(MalformedResponse) {
    guard line.count >= 12, line.count <= ResponseHead.lineByteCountMax,
      line.startsLikeHTTP, line.extracting(5..<7).isEqual("1."), line[8] == 0x20
    else { throw .statusLine }
    switch line[7] {
    case UInt8(ascii: "1"): isHTTP10 = false
    case UInt8(ascii: "0"): isHTTP10 = true
    default: throw .statusLine
    }
    for index in 9..<12 {
      guard let digit = line[index].decimalValue else { throw .statusLine }
      status = status * 10 + Int(digit)
    }
    guard (100...599).contains(status), line.count == 12 || line[12] == 0x20 else {
      throw .statusLine
    }
    for index in 12..<line.count where !HeaderCharacter.isValue(line[index]) { throw .statusLine }
  }

  private mutating func readHeader(_ line: Span<UInt8>) throws(MalformedResponse) {
    if line[0] == 0x20 || line[0] == 9 { throw .foldedHeader }
    var colon = 0
    while colon < line.count && line[colon] != UInt8(ascii: ":") {
      guard HeaderCharacter.isToken(line[colon]) else { throw .headerName }
      colon += 1
    }
    guard colon > 0, colon < line.count else { throw .headerName }
    var (start, end) = (colon + 1, line.count)
    while start < end && line[start].isBlank { start += 1 }
    while end > start && line[end - 1].isBlank { end -= 1 }
    for index in start..<end where !HeaderCharacter.isValue(line[index]) { throw .headerValue }
    try keep(line.extracting(0..<colon), line.extracting(start..<end))
  }

  private mutating func keep(
    _ name: Span<UInt8>, _ value: Span<UInt8>
  ) throws(MalformedResponse) {
    if name.isEqual("content-length") {
      guard let length = value.decimalNumber else { throw .contentLength }
      if let earlier = contentLength, earlier != length { throw .ambiguousLength }
      contentLength = length
    } else if name.isEqual("transfer-encoding") {
      guard !isChunked, value.isEqual("chunked") else { throw .transferEncoding }
      isChunked = true
    } else if name.isEqual("connection") {
      closes = closes || value.listContains("close")
      keepsAlive = keepsAlive || value.listContains("keep-alive")
    } else if name.isEqual("content-encoding") {
      isEncoded = isEncoded || !value.isEqual("identity")
    } else if name.isEqual("location") {
      location = value.text
    } else if name.isEqual("etag") {
      etag = value.text
    } else if name.isEqual("last-modified") {
      lastModified = value.text
    } else if name.isEqual("retry-after") {
      retryAfter = value.text
    } else if name.isEqual("date") {
      date = value.text
    } else if name.isEqual("content-range") {
      contentRange = value.text
    }
  }
}

/// Finds the end of a head as it arrives, and refuses line ends that are none.
struct HeadScanner {
  private var scanned = 0

  /// The byte count of the head with its empty line, or nil if it is not complete in `bytes`,
  /// which begins where it began at the last call and has grown since.
  mutating func end(in bytes: Span<UInt8>) throws(MalformedResponse) -> Int? {
    while scanned < bytes.count {
      guard scanned < ResponseHead.byteCountMax else { throw .headTooLong }
      switch bytes[scanned] {
      case 10:
        guard scanned > 0, bytes[scanned - 1] == 13 else { throw .lineEnd }
        if scanned >= 3 && bytes[scanned - 2] == 10 { return scanned + 1 }
      case 0: throw scanned < 9 ? .statusLine : .headerValue
      default:
        if scanned > 0 && bytes[scanned - 1] == 13 { throw .lineEnd }
        if scanned < 5 && !bytes.extracting(0...scanned).startsLikeHTTP { throw .statusLine }
      }
      scanned += 1
    }
    return nil
  }
}

extension Span where Element == UInt8 {
  /// Whether it is `word`, which is in lower case, in any case.
  func isEqual(_ word: StaticString) -> Bool {
    guard count == word.utf8CodeUnitCount else { return false }
    return word.withUTF8Buffer { letters in
      for index in indices {
        if unsafe URLCharacter.lowered(self[index]) != letters[index] { return false }
      }
      return true
    }
  }

  /// Whether `word` is a member of this comma-separated list. RFC 9110 5.6.1.
  func listContains(_ word: StaticString) -> Bool {
    var start = 0
    while start <= count {
      var end = start
      while end < count && self[end] != UInt8(ascii: ",") { end += 1 }
      var (first, last) = (start, end)
      while first < last && self[first].isBlank { first += 1 }
      while last > first && self[last - 1].isBlank { last -= 1 }
      if extracting(first..<last).isEqual(word) { return true }
      start = end + 1
    }
    return false
  }

  /// Digits and nothing else; nil also where the number does not fit.
  var decimalNumber: UInt64? {
    if isEmpty { return nil }
    var number: UInt64 = 0
    for index in indices {
      guard let digit = self[index].decimalValue else { return nil }
      let (tenfold, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, carried) = tenfold.addingReportingOverflow(UInt64(digit))
      if overflow || carried { return nil }
      number = sum
    }
    return number
  }

  var text: String { unsafe withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) } }

  fileprivate var startsLikeHTTP: Bool {
    let wanted: [5 of UInt8] = [0x48, 0x54, 0x54, 0x50, 0x2f]
    for index in indices where index < 5 && self[index] != wanted[index] { return false }
    return true
  }
}

extension ArraySlice where Element == UInt8 {
  /// As for a span.
  var decimalNumber: UInt64? {
    let bytes = span
    return bytes.decimalNumber
  }
}

extension UInt8 {
  var isBlank: Bool { self == 0x20 || self == 9 }
  var decimalValue: UInt8? { (0x30...0x39).contains(self) ? self - 0x30 : nil }
}

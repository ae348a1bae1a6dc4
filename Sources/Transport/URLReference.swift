// SPDX-License-Identifier: Apache-2.0

extension HTTPURL {
  /// The URL that `reference`, as a Location header holds it, means when seen from this one; nil
  /// if it is no http or https URL. RFC 3986 5.2.
  func resolving(_ reference: String) -> HTTPURL? {
    let bytes = Array(reference.utf8)
    if URLReference.hasScheme(bytes) { return HTTPURL(reference) }
    if bytes.starts(with: "//".utf8) { return HTTPURL("\(scheme):\(reference)") }
    guard let first = bytes.first else { return self }

    let base: String
    switch first {
    case UInt8(ascii: "#"): return self
    case UInt8(ascii: "/"): base = ""
    case UInt8(ascii: "?"): base = path
    default: base = String(decoding: URLReference.folder(of: path), as: UTF8.self)
    }
    guard let parsed = HTTPURL("http://x\(base)\(reference)") else { return nil }
    return replacing(path: URLReference.withoutDots(parsed.path), query: parsed.query)
  }
}

/// The parts of reference resolution. RFC 3986 5.2.3 and 5.2.4.
enum URLReference {
  /// Whether a scheme and a colon come first.
  static func hasScheme(_ bytes: [UInt8]) -> Bool {
    for (index, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: ":"): return index > 0
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): continue
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
        UInt8(ascii: "."):
        if index == 0 { return false }
      default: return false
      }
    }
    return false
  }

  /// `path` up to and with its last slash.
  static func folder(of path: String) -> ArraySlice<UInt8> {
    let bytes = Array(path.utf8)
    let slash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? bytes.startIndex
    return bytes[...slash]
  }

  /// `path` with `.` and `..` carried out; never above the root.
  static func withoutDots(_ path: String) -> String {
    var kept: [ArraySlice<UInt8>] = []
    var endsInFolder = false
    for segment in Array(path.utf8).split(separator: 0x2f, omittingEmptySubsequences: false)
      .dropFirst()
    {
      endsInFolder = false
      if segment.elementsEqual(".".utf8) {
        endsInFolder = true
      } else if segment.elementsEqual("..".utf8) {
        if !kept.isEmpty { kept.removeLast() }
        endsInFolder = true
      } else {
        kept.append(segment)
      }
    }
    if endsInFolder { kept.append([]) }
    var bytes: [UInt8] = []
    for segment in kept {
      bytes.append(0x2f)
      bytes.append(contentsOf: segment)
    }
    return bytes.isEmpty ? "/" : String(decoding: bytes, as: UTF8.self)
  }
}

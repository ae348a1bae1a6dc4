// SPDX-License-Identifier: Apache-2.0
import Codec
import Support
import Testing

@Suite struct CanonicalJSONTests {
  struct Vector: Decodable, CustomTestStringConvertible {
    let json: String
    let ok: Bool
    let olpc: String?
    let otaASCII: String?
    let otaUTF8: String?

    enum CodingKeys: String, CodingKey {
      case json, ok
      case olpc = "olpc_hex"
      case otaASCII = "ota-ascii_hex"
      case otaUTF8 = "ota-utf8_hex"
    }

    var testDescription: String { json }

    func expected(_ form: CanonicalForm) -> [UInt8]? {
      switch form {
      case .olpc: olpc.map(bytes)
      case .otaASCII: otaASCII.map(bytes)
      case .otaUTF8: otaUTF8.map(bytes)
      }
    }
  }

  static func vectors() throws -> [Vector] {
    try GoldenJSON.read("uptane/canonical.json", as: [Vector].self)
  }

  @Test func `the golden vectors hold in all three forms`() throws {
    var (accepted, refused) = (0, 0)
    for vector in try Self.vectors() {
      guard vector.ok else {
        #expect(fault(vector.json) != nil, "\(vector.json)")
        refused += 1
        continue
      }
      let root = try parse(vector.json)
      for form in CanonicalForm.allCases {
        #expect(root.canonical(form) == vector.expected(form), "\(form) of \(vector.json)")
      }
      if root.document.isPlainASCII {
        #expect(root.canonical(.otaASCII) == root.canonical(.otaUTF8))
      }
      accepted += 1
    }
    #expect(accepted >= 20 && refused >= 8)
  }

  @Test(arguments: CanonicalForm.allCases)
  func `pieces are the whole`(form: CanonicalForm) throws {
    let long = String(repeating: "é\\n\\u0001x", count: 3000)
    let text =
      "{\"z\":[\(long.count),-0,true],\"a\":\"\(long)\",\"b\":{\"y\":\"\(long)\",\"x\":[]}}"
    let root = try parse(text)
    var pieces: [[UInt8]] = []
    root.canonical(form) { piece in
      pieces.append((0..<piece.count).map { piece[$0] })
    }
    #expect(Array(pieces.joined()) == root.canonical(form))
    #expect(pieces.count > 5)
    #expect(pieces.allSatisfy { $0.count < 16 << 10 })
  }

  @Test func `a part has the form of its own`() throws {
    let root = try parse(#"{"b" : { "d":1, "c" : [ 2 , "x" ] },"a":0}"#)
    #expect(root["b"]?.canonical(.olpc) == Array(#"{"c":[2,"x"],"d":1}"#.utf8))
  }

  @Test func `what is made has a canonical form as what is read`() throws {
    let value = JSONValue.object([
      ("b", .array([.integer(-5), .null])), ("a", .string("line\n\"é\u{1F697}")),
    ])
    #expect(
      try value.canonical(.otaASCII)
        == Array(#"{"a":"line\n\"\u00e9\ud83d\ude97","b":[-5,null]}"#.utf8))
    #expect(throws: JSONError.duplicateName(at: 10)) {
      try JSONValue.object([("a", .null), ("a", .null)]).canonical(.olpc)
    }
    #expect(throws: JSONError.number(at: 0)) { try JSONValue.decimal("1.5").canonical(.olpc) }
  }

  @Test func `members are sorted as the form has it`() throws {
    // U+E000 to U+FFFF and what lies above change places between code points and UTF-16.
    let names = ["\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{10000}", "\u{10FFFF}", "a", ""]
    let object = try JSONValue.object(names.map { ($0, .integer(0)) }).canonical(.otaUTF8)
    let text = String(decoding: object, as: UTF8.self)
    let sorted = names.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }
    #expect(text == "{" + sorted.map { "\"\($0)\":0" }.joined(separator: ",") + "}")
    let byCodePoint = try parse(text).canonical(.olpc)
    let scalars = names.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }
    #expect(
      String(decoding: byCodePoint, as: UTF8.self)
        == "{" + scalars.map { "\"\($0)\":0" }.joined(separator: ",") + "}")
  }
}

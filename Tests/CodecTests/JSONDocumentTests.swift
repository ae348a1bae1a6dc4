// SPDX-License-Identifier: Apache-2.0
import Codec
import Testing

func parse(_ text: String) throws -> JSONNode {
  try JSONDocument(parsing: Array(text.utf8)).root
}

/// The error of reading `text`, nil if there is none.
func fault(_ text: [UInt8]) -> JSONError? {
  do throws(JSONError) {
    _ = try JSONDocument(parsing: text)
    return nil
  } catch { return error }
}

func fault(_ text: String) -> JSONError? { fault(Array(text.utf8)) }

@Suite struct JSONDocumentTests {
  @Test func `every kind of value is read`() throws {
    let text =
      #" { "s" : "x\n" , "n":-12,"t":true,"f":false,"z":null,"a":[1,[],"",{}],"o":{"":0}} "#
    let document = try JSONDocument(parsing: Array(text.utf8))
    let root = document.root
    #expect(document.bytes == Array(text.utf8))
    #expect(root.kind == .object && root.count == 7)
    #expect(root["s"]?.string == "x\n" && root["s"]?.kind == .string)
    #expect(root["n"]?.integer == -12 && root["n"]?.kind == .number)
    #expect(root["t"]?.boolean == true && root["f"]?.boolean == false)
    #expect(root["z"]?.isNull == true && root["z"]?.kind == .null)
    #expect(root["a"]?.elements.map(\.kind) == [.number, .array, .string, .object])
    #expect(root["a"]?.count == 4)
    #expect(root["o"]?[""]?.integer == 0)
    #expect(root.members.map(\.name) == ["s", "n", "t", "f", "z", "a", "o"])
  }

  @Test func `asking for another kind gives nothing`() throws {
    for text in ["{}", "[]", "\"1\"", "1", "true", "null", "[[1]]", #"{"a":1}"#] {
      let node = try parse(text)
      if node.kind != .string { #expect(node.string == nil && !node.equals("1")) }
      if node.kind != .number { #expect(node.integer == nil) }
      if node.kind != .boolean { #expect(node.boolean == nil) }
      if node.kind != .array { #expect(Array(node.elements).isEmpty) }
      if node.kind != .object { #expect(node["a"] == nil && Array(node.members).isEmpty) }
      if node.kind != .object && node.kind != .array { #expect(node.count == 0) }
      #expect(node.isNull == (text == "null"))
    }
  }

  @Test(
    arguments: [
      ("", .unexpected(at: 0)), (" ", .unexpected(at: 1)), ("{", .unexpected(at: 1)),
      ("[1", .unexpected(at: 2)), ("[1,]", .unexpected(at: 3)), (#"{"a":1,}"#, .unexpected(at: 7)),
      ("{'a':1}", .unexpected(at: 1)), (#"{"a"}"#, .unexpected(at: 4)),
      ("[1 2]", .unexpected(at: 3)),
      ("[}", .unexpected(at: 1)), ("tru", .unexpected(at: 3)), ("True", .unexpected(at: 0)),
      ("nul ", .unexpected(at: 3)), ("NaN", .unexpected(at: 0)), ("Infinity", .unexpected(at: 0)),
      ("\"a", .unexpected(at: 2)), ("// x\n1", .unexpected(at: 0)),
      ("\u{FEFF}{}", .unexpected(at: 0)),
      ("+1", .unexpected(at: 0)), ("[\u{B}1]", .unexpected(at: 1)), ("{}x", .trailing(at: 2)),
      ("1 2", .trailing(at: 2)), ("truex", .trailing(at: 4)), ("{} {}", .trailing(at: 3)),
      ("1.0", .number(at: 0)), ("[1e3]", .number(at: 1)), ("1E3", .number(at: 0)),
      ("-", .number(at: 0)), ("-x", .number(at: 0)), ("01", .number(at: 0)),
      ("-00", .number(at: 0)),
      ("1.", .number(at: 0)), ("\"\u{1}\"", .string(at: 1)), ("\"\n\"", .string(at: 1)),
      (#""\x""#, .string(at: 1)), (#""\u12g4""#, .string(at: 1)), (#""\u12"#, .string(at: 1)),
      (#""\"#, .string(at: 1)), (#""\ud800""#, .surrogate(at: 1)),
      (#""\udc00""#, .surrogate(at: 1)),
      (#""\ud800x""#, .surrogate(at: 1)), (#""\ud800\n""#, .surrogate(at: 1)),
      (#""\ud800\ud800""#, .surrogate(at: 1)), (#"{"a":1,"a":2}"#, .duplicateName(at: 7)),
      (#"{"b":1,"a":2,"\u0062":3}"#, .duplicateName(at: 13)),
      (#"{"":0,"":0}"#, .duplicateName(at: 6)),
      (#"[{"x":{"c":0,"b":0,"b":0}}]"#, .duplicateName(at: 19)), ("[\"\u{0}\"]", .notText(at: 2)),
    ] as [(String, JSONError)])
  func `what is not JSON is refused where it goes wrong`(text: String, error: JSONError) {
    #expect(fault(text) == error)
  }

  @Test(
    arguments: [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
      [0x22, 0xF5, 0x80, 0x80, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
    ] as [[UInt8]])
  func `what is not UTF-8 is refused`(text: [UInt8]) {
    #expect(fault(text) == .notText(at: 1))
  }

  @Test func `64 levels are read and 65 are not`() throws {
    func nested(_ depth: Int) -> String {
      (0..<depth).reduce("1") { $1 % 2 == 0 ? "[\($0)]" : "{\"a\":\($0)}" }
    }
    #expect(fault(nested(64)) == nil)
    #expect(fault(nested(65)) != nil)
    #expect(fault(String(repeating: "[", count: 65)) == .depth(at: 64))
    #expect(fault(String(repeating: "[", count: 1_000_000)) == .depth(at: 64))
    #expect(try parse(nested(64)).canonical(.olpc) == Array(nested(64).utf8))
  }

  @Test(
    arguments: [
      ("0", 0), ("-0", 0), ("9007199254740991", 9_007_199_254_740_991),
      ("-9007199254740991", -9_007_199_254_740_991), ("9007199254740992", nil),
      ("-9007199254740992", nil), ("18446744073709551616", nil),
      ("99999999999999999999999999999999999999999999999999999999999999999999999", nil),
    ] as [(String, Int64?)])
  func `whole numbers are those that every reader takes`(text: String, value: Int64?) throws {
    #expect(try parse(text).integer == value)
  }

  @Test func `strings are compared as code points`() throws {
    let root = try parse(#"["é","\u00e9","e\u0301","\ud83d\ude97","a\"b","","\u0000"]"#)
    let texts = ["\u{E9}", "\u{E9}", "e\u{301}", "\u{1F697}", "a\"b", "", "\u{0}"]
    for (left, node) in root.elements.enumerated() {
      #expect(node.string.map { Array($0.utf8) } == Array(texts[left].utf8))
      for right in texts {
        let isSame = Array(texts[left].unicodeScalars) == Array(right.unicodeScalars)
        #expect(node.equals(right) == isSame)
      }
    }
    let object = try parse(#"{"\u00e9":1,"e\u0301":2,"\"":3}"#)
    #expect(object["\u{E9}"]?.integer == 1 && object["e\u{301}"]?.integer == 2)
    #expect(object["\""]?.integer == 3 && object["e"] == nil && object[""] == nil)
  }

  @Test(arguments: [
    ("{}", true), (#"["~\n"]"#, true), (#"["\u007e"]"#, true), (#"["\u007f"]"#, false),
    ("[\"\u{7F}\"]", false), (#"{"é":1}"#, false), (#"["\ud83d\ude97"]"#, false),
  ])
  func `plain ASCII is told`(text: String, isPlain: Bool) throws {
    #expect(try JSONDocument(parsing: Array(text.utf8)).isPlainASCII == isPlain)
  }

  /// Around the size from which ends are kept in a table.
  @Test(arguments: [500, 509, 510, 511, 512, 513, 514, 5000])
  func `long values are found in their places`(count: Int) throws {
    let long = String(repeating: "\\n", count: count / 2) + String(repeating: "x", count: count % 2)
    let text = """
      {"b":["\(long)",{"\(long)":1,"z":[[["\(long)"],2],3]},4],"a":{"k":"\(long)","c":5},"d":6}
      """
    let root = try parse(text)
    let inner = root["b"]?.elements.map { $0 }
    #expect(inner?.count == 3 && inner?[2].integer == 4)
    #expect(inner?[0].string?.utf8.count == count / 2 + count % 2)
    #expect(inner?[1]["z"]?.elements.map { $0 }[1].integer == 3)
    #expect(root["a"]?["c"]?.integer == 5 && root["d"]?.integer == 6)
    #expect(root.members.map(\.name) == ["b", "a", "d"])
    let canonical = String(decoding: root.canonical(.otaASCII), as: UTF8.self)
    #expect(canonical.hasPrefix(#"{"a":{"c":5,"k":"\n"#) && canonical.hasSuffix(#"4],"d":6}"#))
    #expect(canonical.utf8.count == text.utf8.count)
  }

  @Test func `a hundred thousand members cost little, in any order`() throws {
    let count = 100_000
    for step in [1, 7919, count - 1] {  // ascending, scattered, descending
      let members = (0..<count).map { "\"m\(1_000_000 + $0 * step % count)\":\($0)" }
      let text = "{\(members.joined(separator: ","))}"
      let clock = ContinuousClock()
      var root: JSONNode?
      let time = try clock.measure { root = try parse(text) }
      #expect(root?["m\(1_000_000 + step)"]?.integer == 1)
      #expect(time < .seconds(30), "seconds, not hours: \(time)")
      let again = text.dropLast() + ",\"m1000001\":0}"
      #expect(fault(String(again)) == .duplicateName(at: text.utf8.count))
    }
  }
}

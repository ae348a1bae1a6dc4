// SPDX-License-Identifier: Apache-2.0
import Codec
import Foundation
import Testing

@Suite struct JSONValueTests {
  @Test func `a document is compact and keeps its order`() {
    let value = JSONValue.object([
      ("z", .integer(-1)), ("a", .array([.null, .boolean(true), .boolean(false), .array([])])),
      ("n", .unsigned(.max)), ("d", .decimal("3.2")), ("o", .object([])), ("s", .string("x")),
      ("none", .string(orNull: nil)),
    ])
    let expected = """
      {"z":-1,"a":[null,true,false,[]],"n":18446744073709551615,"d":3.2,"o":{},"s":"x",\
      "none":null}
      """
    #expect(value.serialized() == expected)
  }

  @Test func `strings are escaped and read back by another reader`() throws {
    let text =
      String(String.UnicodeScalarView((0..<0x80).map { Unicode.Scalar($0)! })) + "é😀\u{2028}"
    let written = JSONValue.array([.string(text), .object([(text, .null)])]).serialized()
    #expect(!written.utf8.contains { $0 < 0x20 })
    let read = try #require(
      JSONSerialization.jsonObject(with: Data(written.utf8)) as? [Any])
    #expect(read[0] as? String == text)
    #expect((read[1] as? [String: Any])?.keys.first == text)
  }

  @Test(arguments: [
    ("\"\\\u{8}\u{9}\n\u{C}\r", #""\"\\\b\t\n\f\r""#), ("\u{0}\u{1F}", #""\u0000\u001f""#),
    ("/\u{7F}", "\"/\u{7F}\""),
  ])
  func `control characters have their escapes`(text: String, written: String) {
    #expect(JSONValue.string(text).serialized() == written)
  }

  @Test(arguments: [
    (3.25, 1, "3.3"), (3.2, 1, "3.2"), (0, 2, "0.00"), (-0.04, 1, "0.0"), (-1.5, 0, "-2"),
    (12.006, 2, "12.01"), (0.999, 2, "1.00"), (.nan, 1, "null"), (.infinity, 1, "null"),
    (1e300, 1, "null"), (9e14, 1, "900000000000000.0"), (-7.125, 3, "-7.125"),
  ])
  func `decimals are rounded to the digits asked for`(value: Double, digits: Int, text: String) {
    #expect(JSONValue.decimal(value, digits: digits).serialized() == text)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec

extension SelfTest {
  static func checkCodec(_ report: inout Report) {
    let bytes: [UInt8] = [0x00, 0xFF, 0x10, 0x80]
    report.expect(Hex.encode(bytes.span) == "00ff1080", "bytes are written in hexadecimal")
    report.expect(Hex.decode("00ff1080") == bytes, "hexadecimal is read")
    report.expect(Base64.encode(bytes.span) == "AP8QgA==", "bytes are written in base64")
    report.expect(Base64.decode("AP8QgA==") == bytes, "base64 is read")
    report.expect(Base64.decode("AP8QgB==") == nil, "base64 with stray bits is refused")

    var packed: [UInt8] = []
    for number in [0, 300, UInt64.max] { Varint.append(number, to: &packed) }
    var index = 0
    let first = Varint.read(packed[...], at: &index)
    let second = Varint.read(packed[...], at: &index)
    report.expect(first == 0 && second == 300, "varints are read as they were written")
    report.expect(Varint.read(packed[...], at: &index) == .max, "64 bits fit a varint")

    // After 2038, where 32 bits of time end, and after 2106, where unsigned ones do.
    report.expect(
      Timestamp.text(seconds: 4_294_967_296) == "2106-02-07T06:28:16Z", "time goes on after 2106")
    report.expect(
      Timestamp.parse("2106-02-07T06:28:16Z") == 4_294_967_296, "a time after 2106 is read")
    report.expect(
      JSONValue.object([("a", .array([.unsigned(.max), .string("\"\n")]))]).serialized()
        == #"{"a":[18446744073709551615,"\"\n"]}"#, "JSON is written")
    checkJSON(&report)
    checkGVariant(&report)
    checkKeyfile(&report)
  }

  private static func checkJSON(_ report: inout Report) {
    let text = #"{"b":[-0,"\u00fc\n",9007199254740991],"a":{"\ud83d\ude97":1,"\uffee":true}}"#
    do throws(JSONError) {
      let root = try JSONDocument(parsing: Array(text.utf8)).root
      report.expect(root["a"]?["\u{FFEE}"]?.boolean == true, "a member of JSON is found")
      report.expect(
        root["b"]?.elements.map { $0.integer } == [0, nil, JSONNode.integerMax],
        "54 bits of JSON are read")
      let forms: [(CanonicalForm, String)] = [
        (.olpc, "{\"a\":{\"\u{FFEE}\":true,\"\u{1F697}\":1},\"b\":[0,\"ü\n\",9007199254740991]}"),
        (
          .otaASCII,
          #"{"a":{"\uffee":true,"\ud83d\ude97":1},"b":[0,"\u00fc\n",9007199254740991]}"#
        ),
        (
          .otaUTF8,
          "{\"a\":{\"\u{1F697}\":1,\"\u{FFEE}\":true},\"b\":[0,\"ü\\n\",9007199254740991]}"
        ),
      ]
      for (form, expected) in forms {
        report.expect(root.canonical(form) == Array(expected.utf8), "JSON has a canonical form")
      }
    } catch { report.fail("JSON is read") }
    for refused in ["{\"b\":1,\"a\":2,\"b\":3}", "[1.5]", "[\"\\udc00\"]", "[01]", "[", "[] x"] {
      do throws(JSONError) {
        _ = try JSONDocument(parsing: Array(refused.utf8))
        report.fail("what is not JSON is refused")
      } catch { report.expect(true, "what is not JSON is refused") }
    }
  }

  private static func checkGVariant(_ report: inout Report) {
    let value = GVariantValue.tuple([
      .string("ok"), .uint64(1 << 40), .dictionary([("key", .boolean(true))]),
    ])
    let bytes = value.serialized()
    do throws(GVariantError) {
      let read = try GVariant(bytes, type: "(sta{sv})")
      report.expect(read[0].string == "ok", "a string of a GVariant is read")
      report.expect(read[1].uint64 == 1 << 40, "64 bits of a GVariant are read")
      report.expect(
        read[2].lookup("key", type: "b")?.boolean == true, "a key of a GVariant is found")
      report.expect(read.value.serialized() == bytes, "a GVariant is written as it was read")
    } catch { report.fail("a GVariant of our own is read") }
    var damaged = bytes
    damaged[5] = 1  // padding between the string and the number
    do throws(GVariantError) {
      _ = try GVariant(damaged, type: "(sta{sv})")
      report.fail("a GVariant that is not in normal form is refused")
    } catch { report.expect(error == .padding(at: 5), "bad padding of a GVariant is named") }
  }

  private static func checkKeyfile(_ report: inout Report) {
    let text = "# kept\n[a]\nkey = one\\stwo\nlist=x;y;\nflag=true\n\n[b]\nnumber=-7\n"
    do throws(KeyfileError) {
      var file = try Keyfile(parsing: Array(text.utf8))
      report.expect(file.string("a", "key") == "one two", "a value of a keyfile is read")
      report.expect(file.list("a", "list") == ["x", "y"], "a list of a keyfile is read")
      report.expect(try file.boolean("a", "flag") == true, "a boolean of a keyfile is read")
      report.expect(try file.integer("b", "number") == -7, "a number of a keyfile is read")
      report.expect(file.serialized() == Array(text.utf8), "a keyfile is written as it was read")
      file.set("b", "number", to: "8")
      report.expect(try file.integer("b", "number") == 8, "a value of a keyfile is replaced")
    } catch { report.fail("a keyfile is read") }
  }
}

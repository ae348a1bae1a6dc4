// SPDX-License-Identifier: Apache-2.0
import Codec
import Foundation
import Testing

func parse(_ bytes: [UInt8], _ type: String) -> Result<GVariantValue, GVariantError> {
  Result { () throws(GVariantError) in try GVariant(bytes, type: type).value }
}

/// Bytes that the real tools wrote; the notes are where each was seen.
@Suite struct GVariantExampleTests {
  static let idA = [UInt8](repeating: 0xA1, count: 32)
  static let idB = [UInt8](repeating: 0xB2, count: 32)

  @Test func `a dirmeta without extended attributes has twelve bytes`() throws {
    let dirmeta = try GVariant(bytes("00000000 00000000 000041ed"), type: "(uuua(ayay))")
    #expect(dirmeta.count == 4)
    #expect(dirmeta[2].bigEndianUInt32 == 0o40755)
    #expect(dirmeta[3].count == 0)
    #expect(dirmeta.value.serialized() == Array(dirmeta.bytes))
  }

  @Test func `the empty dirtree is one zero`() throws {
    let tree = try GVariant([0], type: "(a(say)a(sayay))")
    #expect(tree[0].count == 0)
    #expect(tree[1].count == 0)
    #expect(tree.value.serialized() == [0])
  }

  @Test func `the dirtree of usr bin names one file`() throws {
    let written = bytes("68656c6c6f00") + Self.idA + bytes("06 27 28")
    let tree = try GVariant(written, type: "(a(say)a(sayay))")
    #expect(tree[0].count == 1)
    #expect(tree[0][0][0].string == "hello")
    #expect(Array(tree[0][0][1].byteString) == Self.idA)
    #expect(tree[1].count == 0)
    #expect(tree.value.serialized() == written)
  }

  @Test func `offsets of a tuple stand in reverse order`() throws {
    let written = bytes("75737200") + Self.idA + Self.idB + bytes("24 04 46 00")
    let tree = try GVariant(written, type: "(a(say)a(sayay))")
    let entry = tree[1][0]
    #expect(entry[0].string == "usr")
    #expect(Array(entry[1].byteString) == Self.idA)
    #expect(Array(entry[2].byteString) == Self.idB)
    #expect(tree.value.serialized() == written)
  }

  @Test func `a commit is read member by member`() throws {
    let written =
      bytes(
        """
        76657273696f6e00 312e3000 00 73 08 00
        6f73747265652e7265662d62696e64696e6700 0000000000
        746573742f7838362f6100 0b 00 6173 13 0f 38
        666972737400 626f6479207465787400 000000000000 00000000000f4240
        """) + Self.idA + Self.idB + bytes("78 4a 40 3a 3a 3a")
    #expect(written.count == 158)
    let commit = try GVariant(written, type: "(a{sv}aya(say)sstayay)")
    #expect(commit[0].lookup("version")?.string == "1.0")
    #expect(commit[0].lookup("version", type: "s")?.string == "1.0")
    #expect(commit[0].lookup("version", type: "as") == nil)
    #expect(commit[0].lookup("ostree.ref-binding", type: "as")?[0].string == "test/x86/a")
    #expect(commit[0].lookup("missing") == nil)
    #expect(commit[1].byteString.isEmpty)
    #expect(commit[3].string == "first")
    #expect(commit[4].string == "body text")
    #expect(commit[5].bigEndianUInt64 == 1_000_000)
    #expect(Array(commit[6].bytes) == Self.idA)
    #expect(Array(commit[7].bytes) == Self.idB)
    #expect(commit.value.serialized() == written)
    #expect(commit.value.typeString == "(a{sv}aya(say)sstayay)")
  }

  @Test func `extended attributes are pairs of byte strings`() throws {
    let written = bytes(
      "000003e800000064000089ed757365722e6d6d0000ff08757365722e7a7a006f6e65080b17")
    let header = try GVariant(written, type: "(uuua(ayay))")
    #expect(header[0].bigEndianUInt32 == 1000)
    #expect(header[3].count == 2)
    #expect(header[3][0][0].byteString.elementsEqual("user.mm\0".utf8))
    #expect(Array(header[3][0][1].byteString) == [0, 0xFF])
    #expect(header[3][1][1].byteString.elementsEqual("one".utf8))
    #expect(header.value.serialized() == written)
  }

  @Test func `detached metadata holds a signature`() throws {
    let signature = [UInt8](repeating: 0x5A, count: 64)
    let value = GVariantValue.dictionary([("ostree.sign.ed25519", .byteStrings([signature]))])
    let written =
      bytes("6f73747265652e7369676e2e6564323535313900 00000000") + signature
      + bytes("40 00 616179 14 5e")
    #expect(value.serialized() == written)
    let read = try GVariant(written, type: "a{sv}")
    #expect(read.lookup("ostree.sign.ed25519", type: "aay")?[0].byteString == signature[...])
  }

  @Test func `slices share the storage and keep their own indices`() throws {
    let whole = bytes("ffff 68656c6c6f00 02 06 ff")
    let read = try GVariant(whole[2..<10], type: "(say)")
    #expect(read[0].string == "hello")
    #expect(read[1].byteString == whole[8..<9])
    #expect(read[1].byteString.startIndex == 8)
  }
}

/// GVariant Specification 1.0, 2.5: each type's own form.
@Suite struct GVariantFormTests {
  static let forms: [(GVariantValue, String)] = [
    (.byte(0xFE), "fe"), (.boolean(true), "01"), (.boolean(false), "00"),
    (.int16(-2), "feff"), (.uint16(0x1234), "3412"), (.int32(-2), "feffffff"),
    (.uint32(0x1234_5678), "78563412"), (.int64(-2), "feffffffffffffff"),
    (.uint64(0x0102_0304_0506_0708), "0807060504030201"), (.handle(7), "07000000"),
    (.double(bits: 0x3FF8_0000_0000_0000), "000000000000f83f"),
    (.string(""), "00"), (.string("hello world"), "68656c6c6f20776f726c6400"),
    (.string("é€😀"), "c3a9e282acf09f988000"),
    (.objectPath("/"), "2f00"), (.objectPath("/a/b_1"), "2f612f625f3100"),
    (.signature(""), "00"), (.signature("a{sv}(ii)"), "617b73767d2869692900"),
    (.bytes([1, 2]), "0102"), (.tuple([]), "00"),
    (.tuple([.byte(1), .uint32(2)]), "01000000 02000000"),
    (.tuple([.uint32(2), .byte(1)]), "02000000 01000000"),
    (.tuple([.string("foo"), .int32(-1)]), "666f6f00 ffffffff 04"),
    (.tuple([.int32(-1), .string("foo")]), "ffffffff 666f6f00"),
    (.tuple([.string("a"), .bytes([]), .string("b")]), "6100 6200 02 02"),
    (.tuple([.tuple([]), .byte(7)]), "00 07"),
    (.variant(.uint32(5)), "05000000 00 75"),
    (.variant(.variant(.byte(5))), "05 00 79 00 76"),
    (.maybe(type: "s", .string("hello world")), "68656c6c6f20776f726c6400 00"),
    (.maybe(type: "s", nil), ""), (.maybe(type: "i", nil), ""),
    (.maybe(type: "i", .int32(1)), "01000000"),
    (.maybe(type: "mi", .maybe(type: "i", nil)), "00"),
    (.array(elementType: "b", [.boolean(true), .boolean(false)]), "0100"),
    (.array(elementType: "s", [.string("i"), .string("can")]), "6900 63616e00 02 06"),
    (.array(elementType: "ay", [.bytes([])]), "00"),
    (.array(elementType: "()", [.tuple([]), .tuple([])]), "0000"),
    (
      .array(elementType: "(yt)", [.tuple([.byte(1), .uint64(2)])]),
      "0100000000000000 0200000000000000"
    ),
    (
      .array(elementType: "v", [.variant(.byte(1)), .variant(.byte(2))]),
      "010079 0000000000 020079 03 0b"
    ),
    (
      .array(elementType: "{sv}", [.dictEntry(.string("k"), .variant(.byte(1)))]),
      "6b00 000000000000 010079 02 0c"
    ),
    (.dictEntry(.byte(1), .uint16(2)), "0100 0200"),
    (.tuple([.array(elementType: "t", []), .byte(1)]), "01 00"),
    (
      .tuple([.byte(1), .array(elementType: "t", []), .byte(1)]),
      "01 00000000000000 01 08"
    ),
  ]

  @Test(arguments: forms)
  func `each form is written and read`(form: (value: GVariantValue, hex: String)) {
    #expect(form.value.serialized() == bytes(form.hex))
    #expect(parse(bytes(form.hex), form.value.typeString) == .success(form.value))
  }

  @Test(arguments: [
    (253, 1), (254, 2), (255, 2), (256, 2), (65_531, 2), (65_532, 2), (65_533, 4), (70_000, 4),
  ])
  func `offsets grow with the container`(length: Int, width: Int) throws {
    // The string's NUL, the byte behind it, and one offset.
    let value = GVariantValue.tuple([
      .string(String(repeating: "x", count: length - 1)), .byte(1),
    ])
    let written = value.serialized()
    #expect(written.count == length + 1 + width)
    #expect(parse(written, "(sy)") == .success(value))
  }

  @Test func `an array's offsets count towards their own width`() throws {
    for count in [84, 85, 86, 127, 128, 16_383, 16_384, 16_385] {
      let value = GVariantValue.strings((0..<count).map { _ in "x" })
      let written = value.serialized()
      #expect(parse(written, "as") == .success(value), "\(count) elements")
      #expect(try GVariant(written, type: "as").count == count)
    }
  }
}

@Suite struct GVariantRefusalTests {
  static let refusals: [(String, String, GVariantError)] = [
    ("", "y", .size(at: 0)), ("0102", "y", .size(at: 0)), ("010203", "u", .size(at: 0)),
    ("02", "b", .boolean(at: 0)), ("0002", "ab", .boolean(at: 1)), ("01", "()", .padding(at: 0)),
    ("", "()", .size(at: 0)), ("", "s", .string(at: 0)), ("61", "s", .string(at: 0)),
    ("6100 00", "s", .string(at: 0)), ("ff00", "s", .string(at: 0)),
    ("c08000", "s", .string(at: 0)), ("eda08000", "s", .string(at: 0)),
    ("f490808000", "s", .string(at: 0)), ("e28200", "s", .string(at: 0)),
    ("c300", "s", .string(at: 0)), ("f09f9800", "s", .string(at: 0)),
    ("00", "o", .objectPath(at: 0)), ("6100", "o", .objectPath(at: 0)),
    ("2f2f00", "o", .objectPath(at: 0)), ("2f612f00", "o", .objectPath(at: 0)),
    ("2f2d00", "o", .objectPath(at: 0)),
    ("6100", "g", .signature(at: 0)), ("7a00", "g", .signature(at: 0)),
    ("6d7900", "g", .signature(at: 0)), ("7b767300", "g", .signature(at: 0)),
    ("01000000 02000001", "(uy)", .padding(at: 7)), ("01000100 02000000", "(yu)", .padding(at: 2)),
    ("010000000200", "(yu)", .size(at: 0)), ("01000000 0200000000", "(yu)", .size(at: 0)),
    ("666f6f00 ffffffff 05", "(si)", .string(at: 0)),
    ("666f6f00 ffffffff 09", "(si)", .offset(at: 0)),
    ("666f6f00 ffffffff 00", "(si)", .string(at: 0)),
    ("6600 0000 ffffffff ffffffff 02", "(si)", .size(at: 0)), ("", "(si)", .framing(at: 0)),
    ("6100 6200 02 03", "(says)", .string(at: 0)), ("6100 6200 01 02", "(says)", .offset(at: 0)),
    ("6100 6200 00 00", "(says)", .string(at: 0)),
    ("00", "as", .string(at: 0)), ("6900 63616e00 06 02", "as", .offset(at: 2)),
    ("6900 63616e00 03 06", "as", .string(at: 0)), ("6900 63616e00 07 06", "as", .offset(at: 6)),
    ("6900 63616e00 02 05", "as", .string(at: 0)),
    ("6900 63636363 02 06", "as", .string(at: 2)), ("ff", "aay", .framing(at: 0)),
    ("01", "aay", .framing(at: 0)), ("010079 0000000001 020079 03 0b", "av", .padding(at: 7)),
    ("00", "ms", .string(at: 0)), ("01", "ms", .padding(at: 0)), ("6100 01", "ms", .padding(at: 2)),
    ("0102", "my", .size(at: 0)),
    ("", "v", .variantType(at: 0)), ("79", "v", .variantType(at: 0)),
    ("0100", "v", .variantType(at: 0)),
    ("01007979", "v", .variantType(at: 0)), ("010061", "v", .variantType(at: 0)),
    ("01002a", "v", .variantType(at: 0)), ("0100 28", "v", .variantType(at: 0)),
    ("01007b767d", "v", .variantType(at: 0)), ("0100 75", "v", .size(at: 0)),
    ("02 00 62", "v", .boolean(at: 0)),
  ]

  @Test(arguments: refusals)
  func `each deviation from normal form is named with its place`(
    refusal: (hex: String, type: String, error: GVariantError)
  ) {
    #expect(parse(bytes(refusal.hex), refusal.type) == .failure(refusal.error))
  }

  @Test(arguments: [
    "", "z", "a", "m", "(", ")", "(y", "yy", "{sv", "{vs}", "{s}", "{svs}", "{}", "a{(s)v}", "*",
    "?", "r", "@y", "é", "a{sv}}", String(repeating: "a", count: 128) + "y",
    "(" + String(repeating: "y", count: 4095) + ")",
  ])
  func `what is not one complete type is refused`(type: String) {
    #expect(parse([], type) == .failure(.type(type)))
  }

  @Test func `an offset table wider than needed is refused`() {
    // One byte wide the offsets would make it 254 bytes, so two are too many.
    let text = [UInt8](repeating: 0x78, count: 125) + [0]
    #expect(parse(text + text + bytes("7e fc"), "as") != .failure(.framing(at: 0)))
    #expect(parse(text + text + bytes("7e00 fc00"), "as") == .failure(.framing(at: 0)))
    let long = [UInt8](repeating: 0x78, count: 252) + [0]
    #expect(parse(long + [1] + bytes("fd"), "(sy)") != .failure(.framing(at: 0)))
    #expect(parse(long + [1] + bytes("fd00"), "(sy)") == .failure(.framing(at: 0)))
  }

  @Test func `variants nest to the limit and no deeper, on a small stack`() async {
    @Sendable func nested(_ levels: Int) -> [UInt8] {
      (1..<levels).reduce([7]) { found, level in
        found + [0] + Array((level == 1 ? "y" : "v").utf8)
      }
    }
    let verdicts = await onSmallStack {
      (parse(nested(GVariant.depthMax), "v"), parse(nested(GVariant.depthMax + 1), "v"))
    }
    let deepest = (1..<GVariant.depthMax).reduce(GVariantValue.byte(7)) { value, _ in
      .variant(value)
    }
    #expect(verdicts.0 == .success(deepest))
    #expect(verdicts.1 == .failure(.depth(at: 0)))
    #expect(await onSmallStack { deepest.serialized() } == nested(GVariant.depthMax))
  }

  @Test func `tuples in arrays nest to the limit on a small stack`() async {
    let levels = GVariant.depthMax / 2 - 1
    let type = String(repeating: "a(", count: levels) + "s" + String(repeating: ")", count: levels)
    let value = (0..<levels).reduce((GVariantValue.string("x"), "s")) { found, _ in
      (.array(elementType: "(\(found.1))", [.tuple([found.0])]), "a(\(found.1))")
    }
    #expect(value.1 == type)
    let written = await onSmallStack { value.0.serialized() }
    #expect(await onSmallStack { parse(written, type) } == .success(value.0))
  }
}

/// Runs `body` on twice the stack that worker threads have on the device: functions of a debug
/// build take about four times the stack of optimised ones.
func onSmallStack<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
  await withCheckedContinuation { continuation in
    let thread = Thread { continuation.resume(returning: body()) }
    thread.stackSize = 512 << 10
    thread.start()
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Compression
import Cryptography
import Linux

extension SelfTest {
  static func checkCryptography(_ scratch: Scratch, _ report: inout Report) {
    CryptoLibrary.initialise()
    checkSHA256(&report)
    checkFileHash(scratch, &report)
    checkEd25519(&report)
    checkSignatures(&report)
    checkIdentity(&report)
  }

  private static func checkSHA256(_ report: inout Report) {
    // FIPS 180-4, examples; the last is a million times the letter a, in pieces that fit no block.
    let table: [(text: String, hash: String)] = [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ]
    for (text, hash) in table {
      report.expect(
        SHA256.hash(Array(text.utf8)).hex == hash, "SHA-256 of \(text.utf8.count) bytes")
    }
    var hash = SHA256()
    let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 999)
    var left = 1_000_000
    while left > 0 {
      hash.update(piece.span.extracting(0..<min(left, piece.count)))
      left -= min(left, piece.count)
    }
    let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    report.expect(hash.finish().hex == expected, "SHA-256 of a million bytes")
    hash.update(Array("abc".utf8))
    report.expect(hash.finish().hex == table[1].hash, "a hash begins anew after its end")
  }

  /// By mapping and by reading, above and below the size where the one gives way to the other.
  private static func checkFileHash(_ scratch: Scratch, _ report: inout Report) {
    let path = "\(scratch.path)/hashed"
    var content: [UInt8] = []
    for number in 0..<800_000 { content.append(UInt8(truncatingIfNeeded: number &* 7)) }
    do throws(Errno) {
      let file = try FileDescriptor.open(path, [.readWrite, .create, .truncate])
      try file.write(content)
      let expected = SHA256.hash(content)
      for mapping in [true, false] {
        var hash = SHA256()
        var reader = FileHash(mapping: mapping)
        _ = try reader.update(&hash, with: file, dropBehind: false)
        report.expect(
          hash.finish() == expected, "a file is hashed \(mapping ? "by mapping" : "by reading")")
      }
    } catch { report.fail("hashing '\(path)' ended with \(error.name)") }
  }

  private static func checkEd25519(_ report: inout Report) {
    // RFC 8032, 7.1, test 2: one byte.
    let key = Hex.decode("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    let signature = Hex.decode(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
    guard let key, let signature else { return report.fail("the vector of Ed25519 is read") }
    let (good, bad): ([UInt8], [UInt8]) = ([0x72], [0x73])
    report.expect(
      Ed25519.verify(good.span, signature: signature.span, publicKey: key.span),
      "a good signature holds")
    report.expect(
      !Ed25519.verify(bad.span, signature: signature.span, publicKey: key.span),
      "a signature over something else does not hold")
  }

  /// What is packed comes out again, through buffers much smaller than it.
  static func checkCompression(_ report: inout Report) {
    var content: [UInt8] = []
    for number in 0..<100_000 { content.append(UInt8(truncatingIfNeeded: number / 3 &* 11)) }
    do throws(CompressionError) {
      let packed = try pack(content)
      report.expect(packed.count < content.count / 2, "what repeats itself packs well")
      report.expect(try unpack(packed, limit: content.count) == content, "what was packed unpacks")
      var damaged = packed
      damaged[packed.count / 2] ^= 0x55
      do throws(CompressionError) {
        let found = try unpack(damaged, limit: content.count)
        report.expect(found != content, "damage in a packed stream shows")
      } catch { report.expect(error == .corrupt, "a damaged stream is called corrupt") }
    } catch { report.fail("packing ends without an error") }
  }

  /// The squares of 0 to 59, packed by the real `xz`.
  static func checkXZ(_ report: inout Report) {
    let packed = Hex.decode(
      "fd377a585a000004e6d6b4460200210116000000742fe5a3e000fd00a05d001808028649"
        + "2e680e26ce2bf19262f910ba6230b6584dea5f9727411f001d429abc6ed412ca9fa91ac9"
        + "c09931458b5215bf6c77e300d11e6f25775aa12e04e3e83b806ab49142cd15ffedaa3a03"
        + "8f39764c6e312e94236f69717c20c456bd1b09f6f20e9a733053991e5100d8ac2e314f31"
        + "52222de725ecd52e2f9c132c3e7580008449982244ef42dc47964b23e7865a7bbd6ec09f"
        + "56b48baa38ec269caeae000068dcbe0f50c019320001bc01fe010000c02546f4b1c467fb"
        + "020000000004595a")
    var content: [UInt8] = []
    for number in 0..<60 { content += Array("\(number * number) ".utf8) }
    guard var packed else { return report.fail("the vector of xz is read") }
    do throws(CompressionError) {
      let found = try CompressedFile.xz.unpack(packed, limit: 1000, memoryBytesMax: 8 << 20)
      report.expect(found == content, "what xz has packed unpacks")
    } catch { report.fail("unpacking what xz has packed ends without an error") }
    packed[100] ^= 1
    do throws(CompressionError) {
      _ = try CompressedFile.xz.unpack(packed, limit: 1000, memoryBytesMax: 8 << 20)
      report.fail("damage in what xz has packed shows")
    } catch { report.expect(error == .corrupt, "damaged xz is called corrupt") }
  }

  private static func pack(_ content: [UInt8]) throws(CompressionError) -> [UInt8] {
    var deflate = try Deflate()
    var packed: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 777)
    var consumed = 0
    while true {
      let rest = content.span.extracting(consumed..<content.count)
      let step = try deflate.step(rest, finishing: true, into: &buffer)
      consumed += step.consumed
      packed += buffer[..<step.produced]
      if step.isFinished { return packed }
    }
  }

  private static func unpack(_ packed: [UInt8], limit: Int) throws(CompressionError) -> [UInt8] {
    var inflate = try Inflate()
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 777)
    var consumed = 0
    while content.count <= limit {
      let rest = packed.span.extracting(consumed..<packed.count)
      let step = try inflate.step(rest, into: &buffer)
      consumed += step.consumed
      content += buffer[..<step.produced]
      if step.isFinished || (step.produced == 0 && step.consumed == 0) { break }
    }
    return content
  }
}

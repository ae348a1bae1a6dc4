// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree
import Testing

/// The signatures that the real `ostree sign` and `summary -u` made.
@Suite struct SignatureTests {
  static func key() throws -> [UInt8] {
    let text = String(decoding: try Golden.bytes("ed25519.public"), as: UTF8.self)
    return try #require(Base64.decode(String(text.split(separator: "\n")[0])))
  }

  static func trusted(_ key: [UInt8], _ engine: SignatureEngine = .ed25519) -> TrustedKeys {
    var keys = TrustedKeys()
    keys.add(key, engine)
    return keys
  }

  /// What is signed, and the signatures over it.
  static func signed(_ which: String) throws -> (message: [UInt8], metadata: DetachedMetadata) {
    switch which {
    case "summary":
      return (
        try Golden.bytes("summary", in: "signed-repo"),
        try DetachedMetadata(parsing: Golden.bytes("summary.sig", in: "signed-repo"))
      )
    case "delta":
      let bytes = try Golden.bytes("delta-signed.bin")
      let signatures = try #require(try DeltaSuperblock(parsing: bytes).signatures)
      // The frame: eight bytes of magic before, and where the superblock ends at its end.
      let end = Int(bytes[bytes.count - 2]) | Int(bytes[bytes.count - 1]) << 8
      return (Array(bytes[8..<end]), signatures)
    default:
      let name = try Golden.checksum(which)
      return (
        try Golden.object(ObjectName(name, .commit), in: "signed-repo"),
        try DetachedMetadata(
          parsing: Golden.object(ObjectName(name, .commitMeta), in: "signed-repo"))
      )
    }
  }

  static let all = [Golden.firstSigned, Golden.secondSigned, "summary", "delta"]

  @Test(arguments: all) func `the golden signatures are good`(which: String) throws {
    let (message, metadata) = try Self.signed(which)
    let key = try Self.key()
    for policy in [SignaturePolicy.any, .engines([.ed25519])] {
      #expect(
        policy.verify(message.span, metadata, keys: Self.trusted(key))
          == .valid(.ed25519, key: key))
    }
    #expect(!metadata.hasGPGSignatures && metadata.ed25519Signatures.count == 1)
  }

  @Test(arguments: all)
  func `a flipped bit in the message or the signature makes it bad`(which: String) throws {
    let (message, metadata) = try Self.signed(which)
    let keys = try Self.trusted(Self.key())
    let signature = metadata.ed25519Signatures[0]
    for bit in stride(from: 0, to: message.count * 8, by: max(1, message.count / 40)) {
      var flipped = message
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      let verdict = SignaturePolicy.any.verify(flipped.span, metadata, keys: keys)
      #expect(verdict == .untrusted(signatures: 1), "bit \(bit) of the message")
    }
    for bit in 0..<512 {
      var flipped = signature
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      let verdict = SignatureEngine.ed25519.verify(
        message.span, [flipped], keys: keys[.ed25519])
      #expect(verdict == .untrusted(signatures: 1), "bit \(bit) of the signature")
    }
  }

  @Test func `any one of several signatures and keys is enough`() throws {
    let (message, metadata) = try Self.signed(Golden.secondSigned)
    let key = try Self.key()
    let other = [UInt8](repeating: 7, count: 32)
    let bad = [UInt8](repeating: 1, count: 64)
    let good = metadata.ed25519Signatures[0]
    let verify = SignatureEngine.ed25519.verify
    #expect(verify(message.span, [bad, good], [other, key]) == .valid(.ed25519, key: key))
    #expect(verify(message.span, [good], [other]) == .untrusted(signatures: 1))
    #expect(verify(message.span, [bad, bad], [key]) == .untrusted(signatures: 2))
    let short = Array(good.dropLast())
    #expect(
      verify(message.span, [short, good], [key]) == .malformed(.ed25519, lengthBytes: 63))
    #expect(verify(message.span, [bad, []], [key]) == .malformed(.ed25519, lengthBytes: 0))
  }

  @Test func `what is missing has its own verdict`() throws {
    let (message, metadata) = try Self.signed("summary")
    let keys = try Self.trusted(Self.key())
    let policy = SignaturePolicy.any
    #expect(policy.verify(message.span, nil, keys: keys) == .noMetadata)
    #expect(policy.verify(message.span, try .empty, keys: keys) == .noSignature)
    #expect(policy.verify(message.span, metadata, keys: TrustedKeys()) == .noKeys(nil))
    #expect(
      SignaturePolicy.engines([.ed25519, .spki]).verify(message.span, metadata, keys: keys)
        == .noKeys(.spki))
    let spki = try Self.trusted(Self.key(), .spki)
    #expect(policy.verify(message.span, metadata, keys: spki) == .noSignature)
  }

  @Test func `signatures of the other engine count for its keys`() throws {
    let (message, metadata) = try Self.signed("summary")
    let key = try Self.key()
    let moved = try DetachedMetadata.empty
      .adding([1, 2], .spki).adding(metadata.ed25519Signatures[0], .spki)
    #expect(
      SignaturePolicy.any.verify(message.span, moved, keys: Self.trusted(key, .spki))
        == .valid(.spki, key: key))
    let both = try moved.adding([UInt8](repeating: 0, count: 64), .ed25519)
    var keys = Self.trusted(key, .spki)
    keys.add(key, .ed25519)
    #expect(
      SignaturePolicy.any.verify(message.span, both, keys: keys) == .valid(.spki, key: key))
  }

  /// 95 bytes as 2026.4 wrote them.
  @Test func `detached metadata is written as ostree writes it`() throws {
    for (_, bytes) in try Golden.objects(.commitMeta) {
      let parsed = try DetachedMetadata(parsing: bytes)
      #expect(parsed.dictionary.value.serialized() == bytes)
      let again = try DetachedMetadata.empty.adding(parsed.ed25519Signatures[0], .ed25519)
      #expect(again.bytes == bytes)
    }
    let wrong = Result { () throws(FormatError) in
      try DetachedMetadata(
        parsing: GVariantValue.dictionary([("ostree.sign.ed25519", .bytes([1]))]).serialized()
      ).bytes
    }
    #expect(wrong == .failure(.key("ostree.sign.ed25519")))
  }
}

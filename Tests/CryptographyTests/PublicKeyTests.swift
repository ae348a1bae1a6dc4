// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation
import Support
import Testing

@Suite struct PublicKeyTests {
  static func verify(
    _ key: PublicKey, _ message: [UInt8], _ signature: [UInt8], _ scheme: SignatureScheme
  ) -> Bool {
    key.verify(message.span, signature: signature.span, scheme)
  }

  @Test func `the golden keys are read, and their material is their DER`() throws {
    #expect(GoldenKey.all.count == 3)
    for key in GoldenKey.all.values {
      let parsed = try #require(key.publicKey)
      #expect(Hex.encode(parsed.material.span) == key.der)
    }
  }

  @Test func `the golden signatures hold or do not, as they say`() throws {
    let vectors = try GoldenSignature.all()
    for vector in vectors {
      let key = try #require(GoldenKey.all[vector.key]?.publicKey)
      let scheme = try #require(vector.parsedScheme)
      let message = try #require(Hex.decode(vector.message))
      let signature = try #require(Hex.decode(vector.signature))
      #expect(
        Self.verify(key, message, signature, scheme) == vector.valid,
        "\(vector.scheme) \(vector.note ?? "") \(vector.valid)")
      if let base64 = vector.base64 { #expect(Base64.decode(base64) == signature) }
      for other in SignatureScheme.allCases where other != scheme {
        // Bad as PSS since it is a good one of the older padding.
        let isGood = vector.note == "PKCS#1 v1.5" && other == .rsaPKCS1v15SHA256
        #expect(
          Self.verify(key, message, signature, other) == isGood, "\(vector.scheme) as \(other)")
      }
    }
    #expect(vectors.count { $0.valid } == 6)
  }

  @Test func `any flipped bit makes a signature bad`() throws {
    for vector in try GoldenSignature.all() where vector.valid {
      let key = try #require(GoldenKey.all[vector.key]?.publicKey)
      let scheme = try #require(vector.parsedScheme)
      let message = try #require(Hex.decode(vector.message))
      let signature = try #require(Hex.decode(vector.signature))
      for bit in stride(from: 0, to: signature.count * 8, by: 5) {
        var flipped = signature
        flipped[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(!Self.verify(key, message, flipped, scheme), "bit \(bit) of \(vector.scheme)")
      }
      #expect(!Self.verify(key, message + [0], signature, scheme))
      #expect(!Self.verify(key, message, signature + [0], scheme))
      #expect(!Self.verify(key, message, [], scheme))
    }
  }

  @Test func `a key is the same key however it is written`() throws {
    let rsa = try #require(GoldenKey.all["rsa-demo"])
    let ed25519 = try #require(GoldenKey.all["demo-ed25519"])
    let p256 = try #require(GoldenKey.all["p256-demo"])
    #expect(PublicKey(rsaPEM: String(rsa.publicText.dropLast())) == rsa.publicKey)
    #expect(
      PublicKey(rsaPEM: rsa.publicText.replacingOccurrences(of: "\n", with: "\r\n"))
        == rsa.publicKey)
    #expect(PublicKey(ed25519Hex: ed25519.publicText.uppercased()) == ed25519.publicKey)
    #expect(PublicKey(ecdsaDERHex: p256.der) == p256.publicKey)
    #expect(PublicKey(ecdsaDERHex: p256.der.uppercased()) == p256.publicKey)
    // The same point, compressed: y is odd, as its last byte says.
    let der = try #require(Hex.decode(p256.der))
    let compressed =
      Hex.decode("3039301306072a8648ce3d020106082a8648ce3d030107032200")!
      + [der[90] % 2 == 0 ? 2 : 3] + der[27..<59]
    #expect(PublicKey(ecdsaDERHex: Hex.encode(compressed.span)) == p256.publicKey)
  }

  @Test func `what is no key of the kind is refused`() throws {
    let rsa = try #require(GoldenKey.all["rsa-demo"])
    let p256 = try #require(GoldenKey.all["p256-demo"])
    let ed25519 = try #require(GoldenKey.all["demo-ed25519"])
    #expect(PublicKey(rsaPEM: p256.publicText) == nil)
    #expect(PublicKey(ecdsaPEM: rsa.publicText) == nil)
    #expect(PublicKey(rsaPEM: rsa.privatePEM) == nil)
    #expect(PublicKey(rsaPEM: rsa.publicText + rsa.publicText) == nil)
    #expect(PublicKey(rsaPEM: "") == nil)
    #expect(PublicKey(ecdsaDERHex: rsa.der) == nil)
    #expect(PublicKey(ecdsaDERHex: ed25519.der) == nil)
    #expect(PublicKey(ecdsaDERHex: p256.der + "00") == nil)
    #expect(PublicKey(ecdsaDERHex: String(p256.der.dropLast(2))) == nil)
    #expect(PublicKey(ecdsaDERHex: "") == nil)
    #expect(PublicKey(ed25519Hex: String(ed25519.publicText.dropLast(2))) == nil)
    #expect(PublicKey(ed25519Hex: ed25519.publicText + "00") == nil)
    #expect(PublicKey(ed25519Hex: "zz" + ed25519.publicText.dropFirst(2)) == nil)
    // A point beside the curve.
    var der = try #require(Hex.decode(p256.der))
    der[90] ^= 1
    #expect(PublicKey(ecdsaDERHex: Hex.encode(der.span)) == nil)
  }

  @Test(arguments: [
    ("rsa:1024", false), ("rsa:2047", false), ("rsa:2048", true), ("rsa:3072", true),
  ])
  func `RSA keys count from 2048 bits on`(algorithm: String, counts: Bool) throws {
    let pem = try mustRun(
      "sh", "-ec",
      "openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:\(algorithm.dropFirst(4))"
        + " | openssl pkey -pubout")
    #expect((PublicKey(rsaPEM: pem) != nil) == counts)
  }

  @Test(arguments: ["P-384", "secp256k1", "P-224"])
  func `other curves are no keys of ours`(curve: String) throws {
    let pem = try mustRun(
      "sh", "-ec",
      "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:\(curve) | openssl pkey -pubout")
    #expect(pem.hasPrefix("-----BEGIN PUBLIC KEY-----"))
    #expect(PublicKey(ecdsaPEM: pem) == nil)
  }

  /// `ecPrime256v1` has no golden vector, so `openssl` signs.
  @Test func `ECDSA with SHA-512 holds`() throws {
    let key = try #require(GoldenKey.all["p256-demo"])
    let directory = try TemporaryDirectory()
    try key.privatePEM.write(toFile: directory.path + "/key", atomically: false, encoding: .utf8)
    try "message".write(toFile: directory.path + "/m", atomically: false, encoding: .utf8)
    for (hash, scheme) in [
      ("sha512", SignatureScheme.ecPrime256v1), ("sha256", .ecdsaSHA2NISTP256),
    ] {
      try mustRun(
        "openssl", "dgst", "-\(hash)", "-sign", "key", "-out", "signature", "m",
        in: directory.path)
      let signature = try [UInt8](
        Data(contentsOf: URL(fileURLWithPath: directory.path + "/signature")))
      let parsed = try #require(key.publicKey)
      for tried in [SignatureScheme.ecPrime256v1, .ecdsaSHA2NISTP256] {
        #expect(
          Self.verify(parsed, Array("message".utf8), signature, tried) == (tried == scheme))
      }
    }
  }

  /// Of neither padding are there golden vectors for both, so `openssl` signs.
  @Test func `an RSA signature holds with its own padding and hash alone`() throws {
    let key = try #require(GoldenKey.all["rsa-demo"])
    let parsed = try #require(key.publicKey)
    let directory = try TemporaryDirectory()
    try directory.write(key.privatePEM, to: "key")
    try directory.write("message", to: "m")
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen"
    for (options, scheme) in [
      ("-sha256", SignatureScheme.rsaPKCS1v15SHA256), ("-sha256 \(pss):32", .rsassaPSSSHA256),
      ("-sha256 \(pss):0", .rsassaPSSSHA256), ("-sha384", nil), ("-sha512", nil), ("-sha1", nil),
      ("-sha512 \(pss):32", nil),
    ] {
      try mustRun(
        "sh", "-c", "openssl dgst \(options) -sign key -out signature m", in: directory.path)
      let signature = try directory.read("signature")
      for tried in SignatureScheme.allCases {
        #expect(
          Self.verify(parsed, Array("message".utf8), signature, tried) == (tried == scheme),
          "\(options) as \(tried)")
      }
      var flipped = signature
      flipped[flipped.count - 1] ^= 1
      for tried in SignatureScheme.allCases {
        #expect(!Self.verify(parsed, Array("message".utf8), flipped, tried))
      }
    }
  }

  @Test func `hostile keys are a key or none`() throws {
    var random = SplitMix(state: 1)
    for key in GoldenKey.all.values {
      let der = try #require(Hex.decode(key.der))
      var read = 0
      for _ in 0..<500 {
        var mutated = der
        for _ in 0...Int(random.next() % 3) {
          mutated[Int(random.next() % UInt64(mutated.count))] = UInt8(random.next() & 0xFF)
        }
        let pem = PEM.encode(mutated.span, label: "PUBLIC KEY")
        let keys = [
          PublicKey(rsaPEM: pem), PublicKey(ecdsaPEM: pem),
          PublicKey(ecdsaDERHex: Hex.encode(mutated.span)),
        ].compactMap { $0 }
        for key in keys {
          read += 1
          #expect(!Self.verify(key, [1], [UInt8](repeating: 7, count: 256), .rsassaPSSSHA256))
        }
      }
      if key.kind == "rsa" { #expect(read > 20) }
    }
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    let mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    return mixed ^ mixed >> 31
  }
}

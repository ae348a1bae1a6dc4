// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation
import Support
import Testing

@Suite struct PrivateKeyTests {
  static func holds(_ key: PrivateKey, _ message: [UInt8], _ signature: [UInt8]) -> Bool {
    key.publicKey.verify(message.span, signature: signature.span, key.scheme)
  }

  @Test(arguments: ["demo-ed25519", "rsa-demo", "p256-demo"])
  func `what a golden key signs, its public half and openssl take`(name: String) throws {
    let golden = try #require(GoldenKey.all[name])
    let key = try #require(PrivateKey(pem: golden.privatePEM))
    #expect(key.publicKey == golden.publicKey)
    #expect(key.pem == golden.privatePEM)
    let message = Array("what is signed".utf8)
    let signature = key.sign(message.span)
    #expect(Self.holds(key, message, signature))
    #expect(!Self.holds(key, message + [0], signature))

    let directory = try TemporaryDirectory()
    try directory.write(message, to: "m")
    try directory.write(signature, to: "s")
    try directory.write(Array(key.publicKey.pem.utf8), to: "k")
    let options =
      switch golden.kind {
      case "rsa":
        [
          "-rawin", "-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt",
          "rsa_pss_saltlen:32",
        ]
      case "ed25519": ["-rawin"]
      default: ["-rawin", "-digest", "sha256"]
      }
    let result = try run(
      "openssl",
      arguments: ["pkeyutl", "-verify", "-pubin", "-inkey", "k", "-sigfile", "s", "-in", "m"]
        + options, in: directory.path)
    #expect(result.status == 0, "\(result)")
  }

  @Test func `Ed25519 signs as the RFC has it`() throws {
    let vector = Ed25519Tests.vectors[1]
    let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
    let key = try #require(PrivateKey(ed25519Hex: seed))
    #expect(key.publicKey == PublicKey(ed25519Hex: vector.key))
    #expect(key.sign([0x72].span) == Ed25519Tests.bytes(vector.signature))
    #expect(key.ed25519Hex == seed + vector.key)
    #expect(PrivateKey(ed25519Hex: seed.uppercased() + vector.key)?.pem == key.pem)
    #expect(PrivateKey(ed25519Hex: seed + seed) == nil)
    #expect(PrivateKey(ed25519Hex: String(seed.dropLast(2))) == nil)
    #expect(PrivateKey(ed25519Hex: "") == nil)
  }

  @Test func `new keys differ, and come back from their text`() throws {
    for make in [PrivateKey.makeEd25519, PrivateKey.makeRSA] {
      let (one, other) = (make(), make())
      #expect(one.publicKey != other.publicKey)
      let again = try #require(PrivateKey(pem: one.pem))
      #expect(again.publicKey == one.publicKey)
      #expect(Self.holds(one, [1, 2, 3], again.sign([1, 2, 3].span)))
      #expect(!Self.holds(other, [1, 2, 3], again.sign([1, 2, 3].span)))
      #expect((one.ed25519Hex != nil) == (one.publicKey.kind == .ed25519))
    }
  }

  @Test func `PKCS#1 and SEC 1 are read, and written as PKCS#8`() throws {
    for (name, label) in [("rsa-demo", "RSA PRIVATE KEY"), ("p256-demo", "EC PRIVATE KEY")] {
      let golden = try #require(GoldenKey.all[name])
      let old = try mustRun("openssl", "pkey", "-traditional", input: golden.privatePEM)
      #expect(old.contains(label))
      #expect(PrivateKey(pem: old)?.pem == golden.privatePEM)
    }
  }

  @Test func `what is no private key of a kind that signs is refused`() throws {
    let golden = try #require(GoldenKey.all["rsa-demo"])
    #expect(PrivateKey(pem: golden.publicText) == nil)
    #expect(PrivateKey(pem: "") == nil)
    let locked = try mustRun(
      "openssl", "pkey", "-aes128", "-passout", "pass:x", input: golden.privatePEM)
    #expect(PrivateKey(pem: locked) == nil)
    let lockedOldStyle = try mustRun(
      "openssl", "pkey", "-traditional", "-aes128", "-passout", "pass:x",
      input: golden.privatePEM)
    #expect(lockedOldStyle.contains("ENCRYPTED"))
    #expect(PrivateKey(pem: lockedOldStyle) == nil)
    for algorithm in [
      ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"], ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
      ["X25519"], ["ED448"], ["RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
    ] {
      let result = try run(
        "openssl", arguments: ["genpkey", "-quiet", "-algorithm"] + algorithm)
      #expect(result.standardOutput.contains("PRIVATE KEY"), "\(algorithm)")
      #expect(PrivateKey(pem: result.standardOutput) == nil, "\(algorithm)")
    }
  }

  @Test func `the golden key ids come out of their rules`() throws {
    for golden in GoldenKey.all.values {
      let key = try #require(golden.publicKey)
      let object = try JSONDocument(
        parsing: #require(
          Hex.decode(golden.canonicalObject).map {
            // The canonical form has raw line feeds, which JSON has not.
            Array(
              String(decoding: $0, as: UTF8.self)
                .replacingOccurrences(of: "\n", with: "\\n").utf8)
          }))
      #expect(KeyID.tuf(object.root).hex == golden.keyIDOfTUF)
      #expect(KeyID.otaTUF(key).hex == golden.keyIDOfOTATUF)
      #expect(key.text == golden.publicText)
      if let id = golden.keyIDOfAktualizr {
        #expect(KeyID.aktualizr(publicText: golden.publicText).hex == id)
      }
      if let id = golden.keyIDOfAktualizrUpperCase {
        #expect(KeyID.aktualizr(publicText: golden.publicText.uppercased()).hex == id)
      }
    }
  }

  @Test func `hostile keys are a key or none`() throws {
    var random = SplitMix(state: 7)
    for golden in GoldenKey.all.values {
      let der = try #require(PEM.decode(golden.privatePEM, label: "PRIVATE KEY"))
      for _ in 0..<300 {
        var mutated = der
        for _ in 0...Int(random.next() % 3) {
          mutated[Int(random.next() % UInt64(mutated.count))] = UInt8(random.next() & 0xFF)
        }
        _ = PrivateKey(pem: PEM.encode(mutated.span, label: "PRIVATE KEY"))
      }
    }
  }
}

extension PublicKey {
  var pem: String { PEM.encode(material.span, label: "PUBLIC KEY") }
}

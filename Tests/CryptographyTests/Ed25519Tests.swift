// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Testing

@Suite struct Ed25519Tests {
  /// RFC 8032, 7.1, tests 1 to 3: public key, message, signature.
  static let vectors: [(key: String, message: String, signature: String)] = [
    (
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ),
    (
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
    (
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    ),
  ]

  static func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)!
    }
  }

  static func verify(_ message: [UInt8], _ signature: [UInt8], _ key: [UInt8]) -> Bool {
    Ed25519.verify(message.span, signature: signature.span, publicKey: key.span)
  }

  @Test(arguments: vectors.indices) func `the RFC's signatures are good`(index: Int) {
    let vector = Self.vectors[index]
    #expect(
      Self.verify(
        Self.bytes(vector.message), Self.bytes(vector.signature), Self.bytes(vector.key)))
  }

  @Test(arguments: vectors.indices) func `any flipped bit makes a signature bad`(index: Int) {
    let vector = Self.vectors[index]
    let (message, key) = (Self.bytes(vector.message), Self.bytes(vector.key))
    let signature = Self.bytes(vector.signature)
    for bit in 0..<512 {
      var flipped = signature
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!Self.verify(message, flipped, key), "bit \(bit) of the signature")
    }
    for bit in 0..<256 {
      var flipped = key
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(!Self.verify(message, signature, flipped), "bit \(bit) of the key")
    }
    #expect(!Self.verify(message + [0], signature, key))
  }

  @Test(arguments: [0, 31, 33, 63, 65]) func `other lengths are never good`(count: Int) {
    let vector = Self.vectors[0]
    let other = [UInt8](repeating: 0, count: count)
    #expect(!Self.verify([], other, Self.bytes(vector.key)))
    #expect(!Self.verify([], Self.bytes(vector.signature), other))
  }

  @Test func `a key comes out of its SubjectPublicKeyInfo, and no other kind of key does`() throws {
    // RFC 8410, 10.1.
    let der = Self.bytes(
      "302a300506032b6570032100"
        + "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1")
    #expect(Ed25519.publicKey(subjectPublicKeyInfo: der[...]) == Array(der[12...]))
    #expect(Ed25519.publicKey(subjectPublicKeyInfo: der.dropLast()) == nil)
    var ed448 = der
    ed448[8] = 0x71
    #expect(Ed25519.publicKey(subjectPublicKeyInfo: ed448[...]) == nil)
  }
}

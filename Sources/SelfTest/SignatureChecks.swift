// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

extension SelfTest {
  /// A signature of each scheme, as `openssl` made it, and the hash that goes with metadata.
  static func checkSignatures(_ report: inout Report) {
    let message = Array("{\"_type\":\"timestamp\",\"a\":\"line1\nline2\",\"n\":42}".utf8)
    checkSignature(
      PublicKey(rsaPEM: rsaKey), .rsassaPSSSHA256, Hex.decode(rsaSignature), message, &report)
    checkSignature(
      PublicKey(ecdsaDERHex: p256Key), .ecdsaSHA2NISTP256, Hex.decode(p256Signature), message,
      &report)
    checkSignature(
      PublicKey(ed25519Hex: ed25519Key), .ed25519, Hex.decode(ed25519Signature), message, &report)
    report.expect(
      Hex.encode(SHA512.hash(Array("abc".utf8).span).span) == sha512OfABC, "SHA-512 of 3 bytes")
  }

  private static func checkSignature(
    _ key: PublicKey?, _ scheme: SignatureScheme, _ signature: [UInt8]?, _ message: [UInt8],
    _ report: inout Report
  ) {
    guard let key, let signature else { return report.fail("a public key is read") }
    report.expect(
      key.verify(message.span, signature: signature.span, scheme), "a signature of metadata holds")
    let other = message + [0x20]
    report.expect(
      !key.verify(other.span, signature: signature.span, scheme),
      "a signature over other metadata does not hold")
  }

  private static let ed25519Key = "496dabe920fb1d57a54b84cd84187e3717e67a8c06c9ad8aa1c5e958cedff0ce"
  private static let ed25519Signature =
    "6a971f945a377f3c21a03de9e0f8cd1988f77f8f9665634d0f29c3fa08b03e767e0f8b034c402aadfd80"
    + "8a8d13597c9aa2e6c9f6b0b6d97df6da6fd53c035701"
  private static let rsaKey = """
    -----BEGIN PUBLIC KEY-----
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr3PwdjK67gA+PUjesKpH
    mfV1rf3ltr0GDNbHgkoN4QlXU68167ZEMyCy9rU/SH+hsP117Dabdxeb7JranO5u
    l/CCfte1e773a1SXakvA9tMFrcIqKB8gDmCed7gw1GllNFoE1Ti/RUrJJETVAZUS
    AugNBbL7moZ16o9T/F/1SOVVcxG5Ey6swk4FlE2aalKUs8ZLgSFtjxwUveM3v1/u
    Q0uhrrikVlNsIKAbgkZHiKwerNmV7/yrI3qei9+IiJ4tYngTYJm6hzeATcp760yF
    B+9WCb3dHv8on3pCKgrfixBEGpb2eea9ZuEafBPQ53ZRoaJ70e6oDxtrQfXHrvS/
    mwIDAQAB
    -----END PUBLIC KEY-----

    """
  private static let rsaSignature =
    "17a0d01f186775a6efee549a21c0b66df54d0a96f988dc3f2b9dcef2581595b0752af7b93670af1ae404"
    + "00bd7fdd2f9569b666581d7128dc0b2a73e1b9e5d259b67795d4dcdbd1aa3bfb8931b1bcb80643806674"
    + "88ee4f6994ee6a9b0bdd167e15e23aa95edcc1bd8750756dbbae2ffb31b784ce519cd512366a408086b6"
    + "ce32f6b207144e0276595f11df631400e353f8f6eb0b5ebbf5348050f25cd4b885c68d53849bb5673bec"
    + "c87187add90dc8723d1a05bf2a4b228f3572a06d1eab8fdbbf69a04acca9bfe3b2ff478b22ed28696527"
    + "f17df1ae88e1a3d121a3f0f4fb8131f18632db76b2bc7145c0f635695e3183a261db83684314a3964f77"
    + "e0add195"
  private static let p256Key =
    "3059301306072a8648ce3d020106082a8648ce3d030107034200043b8b5d01c1e0e24b7044d3e8c8ea86"
    + "8d7cfaff5a1a675fa237e3000a14512d9335489a7e48c566694c5c101a8f26a4faef24ad5db1203588f1"
    + "f401fbb4be103f"
  private static let p256Signature =
    "3045022011f464864e5d7284e308d0d804208918fa47e8d00e545f7d05ed5a232f9462e7022100e788bd"
    + "580f8f71f3fb8b3fe694999cec08831198b1341f7d0c5ca5371ab7dfbc"
  /// FIPS 180-4, examples.
  private static let sha512OfABC =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Compression
import Cryptography

extension SelfTest {
  /// What provisioning reads: an archive, a PKCS#12, keys and certificates.
  static func checkIdentity(_ report: inout Report) {
    checkPrivateKeys(&report)
    checkPKCS12(&report)
    checkZip(&report)
  }

  private static func checkPrivateKeys(_ report: inout Report) {
    let key = PrivateKey.makeEd25519()
    let message: [UInt8] = [1, 2, 3]
    let signature = key.sign(message.span)
    report.expect(
      key.publicKey.verify(message.span, signature: signature.span, .ed25519), "a new key signs")
    report.expect(
      PrivateKey(pem: key.pem)?.publicKey == key.publicKey, "a key is read as it was written")
    report.expect(
      PrivateKey.makeEd25519().publicKey != key.publicKey, "another key is another key")
  }

  private static func checkPKCS12(_ report: inout Report) {
    guard let bytes = Base64.decode(archive) else { return report.fail("base64 is read") }
    do throws(PKCS12Error) {
      let content = try PKCS12(bytes, passphrase: "")
      guard let certificate = Certificate(pem: content.certificatePEM) else {
        return report.fail("a certificate is read")
      }
      report.expect(certificate.commonName == "device-0001", "the name of a certificate is read")
      report.expect(
        certificate.notAfter == 4_039_372_800, "a certificate's end after 2038 is read")
      report.expect(certificate.fits(key: content.keyPEM), "a key fits its certificate")
    } catch { report.fail("a PKCS#12 is read") }
    do throws(PKCS12Error) {
      _ = try PKCS12(bytes, passphrase: "wrong")
      report.fail("a wrong passphrase is refused")
    } catch { report.expect(error == .wrongPassphrase, "a wrong passphrase is called so") }
  }

  private static func checkZip(_ report: inout Report) {
    guard let bytes = Base64.decode(zip) else { return report.fail("base64 is read") }
    do throws(CompressionError) {
      let reader = try ZipReader(bytes)
      for (name, text) in [("a", "hello hello hello hello hello"), ("b", "stored")] {
        guard let entry = reader.entry(name) else { return report.fail("a member is listed") }
        report.expect(
          try reader.read(entry, limit: 100) == Array(text.utf8), "a member of a zip is read")
      }
      report.expect(
        try ZipReader(reader.without(["a"])).entries.count == 1, "a member of a zip is taken out")
    } catch { report.fail("a zip is read") }
  }

  /// By `openssl pkcs12 -export`: an Ed25519 key and its certificate from 2026 to 2098.
  private static let archive =
    "MIIDYAIBAzCCAxoGCSqGSIb3DQEHAaCCAwsEggMHMIIDAzCCAhEGCSqGSIb3DQEHBqCCAgIwggH+AgEAMIIB"
    + "9wYJKoZIhvcNAQcBMFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAisYlWK67/f3QIBATAMBggqhkiG"
    + "9w0CCQUAMB0GCWCGSAFlAwQBKgQQN8naPm/F7I1a4Rf2ipPQqICCAZBMIYz43bGzD/LKRagPvuJ50j5v/L/q"
    + "z6nIRQ9fCPG80zGMGeVSpNNDFEQnxWjgpdj0MujIuc6q80C6D4QZiYid5MPQuIuIJxh1L5Iyl2sFRcOb6C4Y"
    + "CGE8A7i8c8hRlP1CHJeKtkjQXVPxAdR4idE2IchhHyKfUEssGvFO/0Ug6ZoodmJ/bNI8TmjXQ4gxoLnhCucv"
    + "aeoCcf5NqArT+TJ97GrDBrbTqI+ZTfzKsUdbZjx/PFoLTMHXHkL8Ws0gnstxkkA8/J9mJxRdd8PFxfO+Gsdn"
    + "q15+K+If/9v3JcPFR9K72dWeu3dSNxjGMSsaDiQmWW76Q2WxiRHgfU4wgTT6DYuVUBrdm7ZSDgiM1b7Hm+sV"
    + "OxLqRF3SuWm99yeQbPFrVCXCY1Koh8v2OcZVKfyvRWYFJl4+PMwfqOUcf3ddg+zuVt9JvPY3ANQCyO5B5dTt"
    + "qqCkukMoSw2N35MQwlTg0ZaAbAgM9hsBNtg/4vT3mojkItKxdtQ9mhaRA9Wr8/TAVk8GQzuHMQo/y+R9XU0X"
    + "MIHrBgkqhkiG9w0BBwGggd0EgdowgdcwgdQGCyqGSIb3DQEMCgECoIGdMIGaMFYGCSqGSIb3DQEFDTBJMCgG"
    + "CSqGSIb3DQEFDDAbBAiA1Gf00EXp9gIBATAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQCvQjlEG6l1I0"
    + "KuiVnee0rwRAx4lS+co6AO949UjaIzgiu0AQhHBW4RuQh7dVr1TzmJA5PnBu0ixlZuWSPwAxgDLaL14s8nA5"
    + "Tn9TfJ5bjo7xIDElMCMGCSqGSIb3DQEJFTEWBBRVRfX2KoSmxV800akfdoQrcU6zWjA9MDEwDQYJYIZIAWUD"
    + "BAIBBQAEIOSLas+8ytOfE3wsoNCh0WZ1PSxSDLSUehWLfeSK3DJ1BAjtrR/XU7Tbvw=="
  /// By Python's `zipfile`: one member deflated, one stored.
  private static let zip =
    "UEsDBBQAAAAIAAAAIVz20lM4CwAAAB0AAAABAAAAYctIzcnJV8jATgIAUEsDBBQAAAAAAAAAIVwL+UNWBgAA"
    + "AAYAAAABAAAAYnN0b3JlZFBLAQIUAxQAAAAIAAAAIVz20lM4CwAAAB0AAAABAAAAAAAAAAAAAACAAQAAAABh"
    + "UEsBAhQDFAAAAAAAAAAhXAv5Q1YGAAAABgAAAAEAAAAAAAAAAAAAAIABKgAAAGJQSwUGAAAAAAIAAgBeAAAA"
    + "TwAAAAAA"
}

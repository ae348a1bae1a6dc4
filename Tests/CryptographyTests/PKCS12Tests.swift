// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation
import Support
import Testing

/// Archives that `openssl` made: an authority, and a device that it signed.
final class Identities: Sendable {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    let script = """
      newkey() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out $1; }
      newkey ca.key; newkey device.key; newkey other.key
      openssl req -x509 -new -key ca.key -subj '/CN=Fleet CA' -days 4000 -out ca.pem
      openssl req -new -key device.key -subj '/O=Acme/CN=device-0001' -out device.csr
      openssl x509 -req -in device.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \\
        -out device.pem
      """
    try mustRun("sh", "-ec", script, in: directory.path)
  }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: directory.file(name), encoding: .utf8)
  }

  func archive(_ passphrase: String, _ options: String...) throws -> [UInt8] {
    _ = try? FileManager.default.removeItem(atPath: directory.file("p12"))
    try mustRun(
      "sh", "-ec",
      "openssl pkcs12 -export -inkey device.key -in device.pem -passout pass:\(passphrase)"
        + " -out p12 \(options.joined(separator: " "))", in: directory.path)
    return try [UInt8](Data(contentsOf: URL(fileURLWithPath: directory.file("p12"))))
  }
}

@Suite struct PKCS12Tests {
  static func failure(_ bytes: [UInt8], _ passphrase: String = "") -> PKCS12Error? {
    do throws(PKCS12Error) {
      _ = try PKCS12(bytes, passphrase: passphrase)
      return nil
    } catch { return error }
  }

  @Test(arguments: ["", "secret"]) func `key, certificate and chain come out`(
    passphrase: String
  ) throws {
    let made = try Identities()
    for options in ["", "-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1", "-iter 1"] {
      let content = try PKCS12(
        made.archive(passphrase, "-certfile ca.pem", options), passphrase: passphrase)
      #expect(try content.certificatePEM == Self.block(made.text("device.pem")))
      #expect(try content.chainPEM == [Self.block(made.text("ca.pem"))])
      #expect(try content.keyPEM == made.text("device.key"))
      let certificate = try #require(Certificate(pem: content.certificatePEM))
      #expect(certificate.fits(key: content.keyPEM))
    }
  }

  /// Without the text that `openssl x509` puts before it.
  static func block(_ text: String) throws -> String {
    let der = try #require(PEM.decode(text, label: "CERTIFICATE"))
    return PEM.encode(der.span, label: "CERTIFICATE")
  }

  @Test func `what is wrong is named`() throws {
    let made = try Identities()
    let good = try made.archive("secret")
    #expect(Self.failure(good, "Secret") == .wrongPassphrase)
    #expect(Self.failure(good) == .wrongPassphrase)
    #expect(Self.failure(try made.archive("")) == nil)
    #expect(Self.failure([]) == .malformed)
    #expect(Self.failure(Array("no archive".utf8)) == .malformed)
    #expect(Self.failure(Array(good.dropLast(10)), "secret") == .malformed)
    #expect(
      Self.failure([UInt8](repeating: 0x30, count: PKCS12.byteCountMax + 1))
        == .tooLarge(byteCount: PKCS12.byteCountMax + 1))
    #expect(Self.failure(try made.archive("", "-nomac")) == .malformed)
    #expect(Self.failure(try made.archive("", "-nokeys -in ca.pem")) == .noKey)
    #expect(Self.failure(try made.archive("", "-iter 1 -nocerts")) == .noCertificate)
  }

  @Test func `damaged archives are an error and never the end of the process`() throws {
    let good = try Identities().archive("", "-iter 1")
    var random = SplitMix(state: 3)
    var refused = 0
    for _ in 0..<500 {
      var mutated = good
      for _ in 0...Int(random.next() % 3) {
        mutated[Int(random.next() % UInt64(mutated.count))] = UInt8(random.next() & 0xFF)
      }
      if Self.failure(mutated) != nil { refused += 1 }
    }
    #expect(refused > 400)
  }
}

@Suite struct CertificateTests {
  @Test func `name and dates are read`() throws {
    let made = try Identities()
    let certificate = try #require(Certificate(pem: made.text("device.pem")))
    #expect(certificate.commonName == "device-0001")
    let now = Int64(Date().timeIntervalSince1970)
    #expect(abs(certificate.notBefore - now) < 600)
    #expect(certificate.notAfter - certificate.notBefore == 30 * 86_400)
    #expect(Certificate(pem: try made.text("ca.pem"))?.commonName == "Fleet CA")
  }

  @Test func `only its own key fits`() throws {
    let made = try Identities()
    let chain = try made.text("device.pem") + made.text("ca.pem")
    let certificate = try #require(Certificate(pem: chain))
    #expect(try certificate.fits(key: made.text("device.key")))
    #expect(try certificate.fits(key: made.text("device.pem") + made.text("device.key")))
    #expect(try !certificate.fits(key: made.text("other.key")))
    #expect(try !certificate.fits(key: made.text("device.pem")))
    #expect(!certificate.fits(key: ""))
    #expect(Certificate(pem: try made.text("device.key")) == nil)
  }

  /// Far beyond what 32 bits count.
  @Test(arguments: [("20980101000000Z", 4_039_372_800), ("99991231235959Z", 253_402_300_799)])
  func `dates after 2038 are read`(date: String, seconds: Int64) throws {
    let directory = try TemporaryDirectory()
    let script = """
      openssl genpkey -quiet -algorithm ED25519 -out key
      openssl req -new -key key -subj '/CN=a/CN=b' -out csr
      mkdir -p demoCA/newcerts && touch demoCA/index.txt && echo 01 > demoCA/serial
      openssl ca -batch -selfsign -keyfile key -in csr -out pem -notext -md null \\
        -startdate 20500101000000Z -enddate \(date) -policy policy_anything
      """
    try mustRun("sh", "-ec", script, in: directory.path)
    let pem = try String(contentsOfFile: directory.file("pem"), encoding: .utf8)
    let certificate = try #require(Certificate(pem: pem))
    #expect(certificate.notAfter == seconds)
    #expect(certificate.notBefore == 2_524_608_000)
    #expect(certificate.commonName == nil, "two names are none")
  }
}

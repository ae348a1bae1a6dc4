// SPDX-License-Identifier: Apache-2.0
import Cryptography

/// Who somebody is to a server: a key and its certificate, with those of the authorities above.
struct ClientIdentity {
  /// All PEM.
  let key: String
  let certificate: String
  let chain: [String]

  /// From a PKCS#12 without a passphrase. `origin` is what to call it in errors: `.identity`.
  init(pkcs12 bytes: [UInt8], from origin: String) throws(GatewayError) {
    do throws(PKCS12Error) {
      let content = try PKCS12(bytes, passphrase: "")
      (key, certificate, chain) = (content.keyPEM, content.certificatePEM, content.chainPEM)
    } catch {
      throw .identity(path: origin, error == .wrongPassphrase ? .locked : .malformed)
    }
    guard let leaf = Certificate(pem: certificate), leaf.fits(key: key) else {
      throw .identity(path: origin, .mismatch)
    }
  }

  /// What a TLS client wants in one file, so that it is replaced in one step.
  var file: [UInt8] { Array((key + certificate + authorities).utf8) }

  /// Those above, one after the other; empty if there are none.
  var authorities: String { chain.reduce("") { $0 + $1 } }

  /// Throws `.identity` unless the certificate is that of the device `id`.
  func verify(isOf id: String, from origin: String) throws(GatewayError) {
    let name = Certificate(pem: certificate)?.commonName
    guard let name, same(name, id) else {
      throw .identity(path: origin, .wrongName(found: name, expected: id))
    }
  }
}

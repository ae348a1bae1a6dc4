// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Support

/// The keys of the golden vectors, by name.
struct GoldenKey: Decodable {
  let name: String
  let kind: String
  let publicText: String
  let der: String
  let privatePEM: String
  let keyIDOfTUF: String
  let canonicalObject: String
  let keyIDOfOTATUF: String
  let keyIDOfAktualizr: String?
  let keyIDOfAktualizrUpperCase: String?

  enum CodingKeys: String, CodingKey {
    case name, kind
    case publicText = "public_text"
    case der = "spki_der_hex"
    case privatePEM = "private_pem"
    case keyIDOfTUF = "keyid_tuf"
    case canonicalObject = "key_object_tuf_canonical_hex"
    case keyIDOfOTATUF = "keyid_ota_tuf"
    case keyIDOfAktualizr = "keyid_aktualizr"
    case keyIDOfAktualizrUpperCase = "keyid_aktualizr_uppercase_text"
  }

  static let all: [String: GoldenKey] = {
    let keys = (try? GoldenJSON.read("uptane/keys.json", as: [GoldenKey].self)) ?? []
    return Dictionary(uniqueKeysWithValues: keys.map { ($0.name, $0) })
  }()

  var publicKey: PublicKey? {
    switch kind {
    case "rsa": PublicKey(rsaPEM: publicText)
    case "ed25519": PublicKey(ed25519Hex: publicText)
    case "ecdsa": PublicKey(ecdsaPEM: publicText)
    default: nil
    }
  }
}

/// A signature of the golden vectors.
struct GoldenSignature: Decodable {
  let key: String
  let scheme: String
  let note: String?
  let message: String
  let signature: String
  let base64: String?
  let valid: Bool

  enum CodingKeys: String, CodingKey {
    case key, scheme, note, valid
    case message = "message_hex"
    case signature = "sig_hex"
    case base64 = "sig_base64"
  }

  static func all() throws -> [GoldenSignature] {
    try GoldenJSON.read("uptane/signatures.json", as: [GoldenSignature].self)
  }

  var parsedScheme: SignatureScheme? {
    switch scheme {
    case "rsassa-pss-sha256": .rsassaPSSSHA256
    case "ed25519": .ed25519
    case "ecdsa-sha2-nistp256": .ecdsaSHA2NISTP256
    default: nil
    }
  }
}

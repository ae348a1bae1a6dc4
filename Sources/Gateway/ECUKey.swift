// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// What an ECU signs its manifests by: the file `ecu-key.pem`, made once and never replaced, since
/// the director knows its public half.
struct ECUKey {
  private static let file = "ecu-key.pem"

  private let key: PrivateKey

  init(_ key: PrivateKey) { self.key = key }

  /// Nil if there is none yet. Throws `.damaged`.
  init?(in folder: GatewayFolder) throws(GatewayError) {
    guard let bytes = try folder.read(ECUKey.file) else { return nil }
    guard let key = PrivateKey(pem: String(decoding: bytes, as: UTF8.self)) else {
      throw .damaged(path: folder.file(ECUKey.file))
    }
    self.key = key
  }

  /// The one that is there, or a new one, which is durable when this returns.
  static func make(
    _ kind: ECUKeyKind, in folder: GatewayFolder
  ) throws(GatewayError) -> ECUKey {
    if let key = try ECUKey(in: folder) { return key }
    let key = kind == .rsa ? PrivateKey.makeRSA() : PrivateKey.makeEd25519()
    try folder.write(file, Array(key.pem.utf8))
    return ECUKey(key)
  }

  /// The key object of the `ota` dialect.
  var object: JSONValue {
    let type = key.publicKey.kind == .rsa ? "RSA" : "ED25519"
    return .object([
      ("keytype", .string(type)), ("keyval", .object([("public", .string(key.publicKey.text))])),
    ])
  }

  /// By aktualizr's rule: an ECU without a serial of its own is called so, too.
  var identifier: String { KeyID.aktualizr(publicText: key.publicKey.text).hex }

  /// `signed` in an envelope with a signature over its canonical form.
  func envelope(_ signed: JSONValue) -> JSONValue {
    let signature = key.sign(signed.canonicalBytes.span)
    let method = key.publicKey.kind == .rsa ? "rsassa-pss" : "ed25519"
    let entry = JSONValue.object([
      ("keyid", .string(identifier)), ("method", .string(method)),
      ("sig", .string(Base64.encode(signature.span))),
    ])
    return .object([("signatures", .array([entry])), ("signed", signed)])
  }
}

extension JSONValue {
  /// How everything is spelled that goes to the gateway.
  var canonicalBytes: [UInt8] {
    do throws(JSONError) { return try canonical(.otaASCII) } catch {
      preconditionFailure("we make no JSON that we would not read")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Cryptography

/// What came of looking at the signatures of a commit or summary.
public enum SignatureVerdict: Hashable, Sendable {
  /// A signature by this trusted key is good.
  case valid(SignatureEngine, key: [UInt8])
  /// No key is trusted for this engine, which the remote demands; nil: for none at all.
  case noKeys(SignatureEngine?)
  /// There is nothing that could hold a signature.
  case noMetadata
  /// No signature of the kinds that could count.
  case noSignature
  /// Signatures are there, none of them good under a trusted key.
  case untrusted(signatures: Int)
  /// A signature that is not 64 bytes long: somebody else's mistake or an attempt at something.
  case malformed(SignatureEngine, lengthBytes: Int)

  public var isValid: Bool {
    if case .valid = self { return true }
    return false
  }
}

extension SignaturePolicy {
  /// Judges `message`, the exact bytes of a commit or summary, by the signatures in `metadata`.
  /// Only for a policy that demands any. ostree: docs/signing; libostree, `ostree-sign.c`.
  public func verify(
    _ message: Span<UInt8>, _ metadata: DetachedMetadata?, keys: TrustedKeys
  ) -> SignatureVerdict {
    if case .engines(let engines) = self {
      for engine in engines where keys[engine].isEmpty { return .noKeys(engine) }
    }
    let engines = self.engines.filter { !keys[$0].isEmpty }
    if engines.isEmpty { return .noKeys(nil) }
    guard let metadata else { return .noMetadata }
    var verdict = SignatureVerdict.noSignature
    for engine in engines {
      let found = engine.verify(message, metadata.signatures(engine), keys: keys[engine])
      switch found {
      case .valid: return found
      case .noSignature: continue
      default: if verdict == .noSignature { verdict = found }
      }
    }
    return verdict
  }
}

extension SignatureEngine {
  /// Judges `message` by `signatures`, in order: the first that is good under one of `keys`
  /// decides, and so does one before it that has no signature's length.
  public func verify(
    _ message: Span<UInt8>, _ signatures: [[UInt8]], keys: [[UInt8]]
  ) -> SignatureVerdict {
    if signatures.isEmpty { return .noSignature }
    for signature in signatures {
      guard signature.count == Ed25519.signatureByteCount else {
        // Keys of the other engine may be of kinds with longer signatures.
        if self == .spki { continue }
        return .malformed(self, lengthBytes: signature.count)
      }
      for key in keys
      where Ed25519.verify(message, signature: signature.span, publicKey: key.span) {
        return .valid(self, key: key)
      }
    }
    return .untrusted(signatures: signatures.count)
  }
}

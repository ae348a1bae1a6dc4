// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// One entry of `signatures`.
private struct SignatureEntry {
  let label: [UInt8]
  let text: String
  let method: String?
}

extension Envelope {
  /// Checks that enough keys of the role have signed. TUF specification, 5.3.4, 5.4.2, 5.5.3 and
  /// 5.6.3; Uptane Standard 2.1.0, 5.4.4.
  ///
  /// Counts key material and not labels: one key under two labels counts once. An entry that
  /// cannot count (unknown key, unfit method, bad signature) is passed over. A label that comes
  /// twice is refused even if enough others are good. `dialect` is that of the trusted root: in
  /// another one nothing counts. Takes the memory of the signed part once more.
  ///
  /// Throws `malformed`, `duplicateSignature`, `signature`.
  func checkSignatures(by role: RoleKeys, in dialect: Dialect) throws(UptaneError) {
    let entries = try signatureEntries()
    var good: Set<[UInt8]> = []
    if self.dialect == dialect {
      switch dialect {
      case .tuf: count(entries, by: role, .olpc, &good)
      case .ota:
        // The two spellings of this dialect differ only outside plain ASCII.
        if !document.isPlainASCII { count(entries, by: role, .otaUTF8, &good) }
        if good.count < role.threshold { count(entries, by: role, .otaASCII, &good) }
      }
    }
    guard good.count >= role.threshold else {
      throw place.error(.signature(good: good.count, threshold: role.threshold))
    }
  }

  private func signatureEntries() throws(UptaneError) -> [SignatureEntry] {
    var entries: [SignatureEntry] = []
    var labels: Set<[UInt8]> = []
    for node in signatures.elements {
      guard let keyID = node["keyid"]?.string, let text = node["sig"]?.string,
        entries.count < FixedLimits.signatures
      else { throw place.malformed(.member("signatures")) }
      let entry = SignatureEntry(
        label: Array(keyID.utf8), text: text, method: node["method"]?.string)
      guard labels.insert(entry.label).inserted else {
        throw place.error(.duplicateSignature(keyID: keyID))
      }
      entries.append(entry)
    }
    return entries
  }

  /// Adds the material of each key that has made a good signature over the signed part in `form`.
  private func count(
    _ entries: [SignatureEntry], by role: RoleKeys, _ form: CanonicalForm,
    _ good: inout Set<[UInt8]>
  ) {
    let candidates = entries.filter { role[$0.label] != nil }
    if candidates.isEmpty { return }
    let message = signed.canonical(form)
    for entry in candidates where good.count < role.threshold {
      guard let key = role[entry.label], let scheme = key.scheme(method: entry.method),
        let signature = dialect.signatureBytes(entry.text)
      else { continue }
      if key.key.verify(message.span, signature: signature.span, scheme) {
        good.insert(key.key.material)
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// The contexts of a client, made when they are first needed: trust roots take about 2 MB.
final class TLSContexts: Sendable {
  private struct Made {
    var withIdentity: TLSContext?
    var withoutIdentity: TLSContext?
  }
  private let made = Guarded(Made())

  /// As `HTTPClient.youngestCertificate`.
  var youngestBegin: Int64? {
    made.withLock { made in
      var youngest: Int64?
      for context in [made.withIdentity, made.withoutIdentity] {
        guard let begin = context?.youngestBegin.withLock({ $0 }) else { continue }
        youngest = max(youngest ?? begin, begin)
      }
      return youngest
    }
  }

  /// Errors: `.identity`, `.noTrustRoots`.
  func context(
    showsIdentity: Bool, _ options: TransportOptions
  ) throws(TransportError) -> TLSContext {
    let hasIdentity = options.certificateFile != nil || options.privateKeyFile != nil
    let showsIdentity = showsIdentity && hasIdentity
    return try made.withLock { (made) throws(TransportError) -> TLSContext in
      if let known = showsIdentity ? made.withIdentity : made.withoutIdentity { return known }
      let context = try TLSContext(
        options, showsIdentity: showsIdentity, sharing: made.withIdentity ?? made.withoutIdentity)
      if showsIdentity { made.withIdentity = context } else { made.withoutIdentity = context }
      return context
    }
  }
}

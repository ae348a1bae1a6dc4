// SPDX-License-Identifier: Apache-2.0

/// Which signatures a remote demands: the value of `sign-verify` and `sign-verify-summary`.
public enum SignaturePolicy: Hashable, Sendable {
  /// None.
  case none
  /// One that any engine with keys takes.
  case any
  /// One of these, each of which must have keys.
  case engines([SignatureEngine])

  /// Reads the value of a remote. Throws for an engine that coppice does not have.
  static func parse(
    _ section: KeyfileSection, _ key: String
  ) throws(OSTreeError) -> SignaturePolicy {
    switch section.string(key) {
    case nil, "", "false", "0": return .none
    case "true", "1": return .any
    default: break
    }
    var engines: [SignatureEngine] = []
    for name in section.list(key) {
      guard let engine = SignatureEngine(rawValue: name) else { throw section.fault(key) }
      engines.append(engine)
    }
    return .engines(engines)
  }

  /// The engines that may take a signature.
  public var engines: [SignatureEngine] {
    switch self {
    case .none: []
    case .any: SignatureEngine.allCases
    case .engines(let engines): engines
    }
  }
}

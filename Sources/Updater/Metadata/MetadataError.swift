// SPDX-License-Identifier: Apache-2.0
public import Linux
public import Transport
public import Uptane

/// Why metadata could not be brought up to date. What was accepted before is kept.
public enum MetadataError: Error, Hashable, Sendable {
  /// A check did not hold.
  case refused(UptaneError)
  /// A file could not be had.
  case fetch(FetchFailure, Repository, Role)
  /// The trusted metadata on this device cannot be read or written.
  case store(path: String, Errno)
  /// There is no root to begin with.
  case noRoot
  /// There is another root already.
  case otherRoot(path: String)
  /// The server cannot even be asked: what the device would show to it is of no use.
  case transfer(TransportError)
}

/// Why a source does not give a file.
public enum FetchFailure: Error, Hashable, Sendable {
  /// It is not there.
  case missing(path: String)
  /// Longer than was asked for.
  case oversized
  case transport(TransportError)
  case file(path: String, Errno)

  /// The source is there, the file is not.
  var isMissing: Bool {
    switch self {
    case .missing, .transport(.notFound): true
    default: false
    }
  }

  /// Asked for the next root, the answer that there is none: also from a server that hides what it
  /// does not have. No other failure may end the chain, or whoever disturbs the network could keep
  /// a device at an old root.
  var endsRootChain: Bool {
    if case .transport(.unauthorised(_, 403)) = self { return true }
    return isMissing
  }
}

extension MetadataError {
  /// What a source's failure means for the file that was asked for.
  init(_ failure: FetchFailure, _ request: MetadataRequest, _ repository: Repository) {
    if case .oversized = failure {
      self = .refused(
        UptaneError(.oversized(limitBytes: request.bytesMax), repository, request.role))
    } else {
      self = .fetch(failure, repository, request.role)
    }
  }

  /// As test vectors and manifests know it; nil for faults of this device.
  public var uptaneError: UptaneError? {
    switch self {
    case .refused(let error): error
    case .fetch(_, let repository, let role): UptaneError(.fetch, repository, role)
    case .store, .noRoot, .otherRoot, .transfer: nil
    }
  }

  /// Whether it may come of a repository that was published anew between two of our requests.
  var mayBeMixture: Bool {
    guard case .refused(let error) = self, error.role == .snapshot || error.role == .targets
    else { return false }
    switch error.fault {
    case .versionMismatch, .hashMismatch, .lengthMismatch, .oversized: return true
    default: return false
    }
  }
}

// The only place where an error of Uptane changes its type.
@inline(__always)
func judged<R: ~Copyable>(
  _ body: () throws(UptaneError) -> R
) throws(MetadataError) -> R {
  do throws(UptaneError) { return try body() } catch { throw .refused(error) }
}

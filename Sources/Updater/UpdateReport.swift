// SPDX-License-Identifier: Apache-2.0
public import Cryptography
public import Deploy
public import Gateway
public import OSTree
public import Pull

/// What a run of `update` is asked for; `check` and `plan` heed the first two.
public struct UpdateOptions: Sendable {
  /// A directory or URL to pull from in place of the remote's own, with the same checks.
  public var from: String?
  /// Takes also a commit that is older than the deployed one, or than the one its ref names here.
  public var allowsDowngrade = false
  /// Whether a static delta that leads to the commit takes the place of its objects.
  public var usesDeltas = true
  /// Whether to make a deployment; else the commit is only fetched.
  public var deploys = true
  /// Deploys also what is deployed already, and what was rejected before.
  public var isForced = false

  public init() {}
}

/// Where an update is.
public enum UpdateStep: Sendable {
  case pulling(PullProgress)
  /// The content of a target that a handler takes care of.
  case fetching(TargetProgress)
  /// A handler is called about this target.
  case handling(HandlerVerb, target: String)
  case deploying(Checksum)
}

/// What the server has, and whether it is new here.
public struct UpdateCheck: Sendable {
  public let source: UpdateSource
  /// Nil: the server wants nothing new.
  public let commit: Checksum?
  public let version: String?
  /// Of the commit, in seconds since 1970. Nil where only its name is known yet.
  public let timestamp: UInt64?
  /// The deployment whose place the next one takes: the running one, else the first.
  public let deployed: Deployment?
  public let deployedVersion: String?
  /// What handlers are to take care of.
  public var handled: [OfferedTarget] { source.offer?.handled ?? [] }
  /// Those of them that do not run yet.
  public internal(set) var newTargets: [OfferedTarget] = []
  /// Whether others were taken back before.
  public internal(set) var hasRejectedTargets = false
  /// Whether something else than this commit boots next.
  public let isAvailable: Bool
  /// Whether it was tried here and did not prove itself: it is not deployed again by itself.
  public let rejection: TrialRecord.Rejection?
  /// `ostree.endoflife`: why this ref gets no more updates.
  public let endOfLife: String?
  /// `ostree.endoflife-rebase`: the ref to follow instead.
  public let endOfLifeRebase: String?
}

extension UpdateCheck {
  /// Whether `update` leaves it alone, since it was tried here before and did not prove itself. A
  /// system goes with its targets or not at all.
  public var isRejected: Bool {
    rejection != nil || hasRejectedTargets && (isAvailable || newTargets.isEmpty)
  }

  /// Whether there is something for `update` to do.
  public var isNew: Bool { !isRejected && (isAvailable || !newTargets.isEmpty) }

  /// Finds out which targets are new here. Throws `noHandler` where nothing takes care of one.
  mutating func judgeTargets(_ handlers: Handlers) throws(UpdaterError) {
    for target in handled { try handlers.check(target.job) }
    for target in handled {
      switch try handlers.standing(of: target.job) {
      case (_, isRejected: true): hasRejectedTargets = true
      case (isNew: true, _): newTargets.append(target)
      default: break
      }
    }
  }
}

/// How an update ended that did not fail.
public enum UpdateResult: String, Sendable {
  /// What the server has boots next.
  case upToDate = "up-to-date"
  /// It boots next from now on.
  case deployed
  /// Targets run that handlers take care of; no deployment was made.
  case applied
  /// It is here, whole.
  case downloaded
  /// The running deployment, or the one that boots next, has yet to prove itself. What the server
  /// has is in the repo; it is deployed by the first update after that.
  case awaitingProof = "awaiting-proof"
  /// What the server has was tried here and fell back. It is left alone.
  case rejectedBefore = "rejected-before"
}

/// What an update did.
public struct UpdateReport: Sendable {
  public let check: UpdateCheck
  public internal(set) var result: UpdateResult
  /// Nil where there was nothing to pull.
  public internal(set) var pull: PullResult?
  /// Nil where nothing was deployed.
  public internal(set) var deploy: DeployReport?
  /// What handlers did.
  public internal(set) var handled = HandlerReport()
  /// What was removed from the repo afterwards.
  public internal(set) var prune: PruneReport?
  /// Why objects that nothing needs any more are still there: no reason for an update to fail.
  public internal(set) var pruneFailure: OSTreeError?
  /// What was found before all else: this run is the fallback of a trial that failed.
  public internal(set) var fallback: FallbackReport?
  /// How an earlier update ended, which this run has found out: true if it is installed.
  public internal(set) var settled: Bool?
  /// Why the server does not know all of this yet. It is told by the next run.
  public internal(set) var reportFailure: GatewayError?
  /// Whether the server knows all of this; nil where none is told anything.
  public internal(set) var isReported: Bool?
  /// The first in boot order.
  public internal(set) var next: Deployment?
  /// Whether the next boot starts something else than what runs.
  public internal(set) var needsReboot = false
  public internal(set) var milliseconds: Int64 = 0
}

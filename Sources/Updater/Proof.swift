// SPDX-License-Identifier: Apache-2.0
public import Deploy
import Linux

/// What a declaration that the running deployment works has come to.
public struct ProofReport: Sendable {
  /// Nil where a target that goes with the system is not well: then nothing is proven.
  public let markGood: MarkGoodReport?
  /// What handlers did before and after.
  public let handled: HandlerReport
  /// Why handlers were not called: no reason for a system that works to be called bad.
  public let handlersFailure: UpdaterError?
}

extension Updater {
  /// The running deployment works, as far as the caller can tell: asks the handlers of the targets
  /// that go with it, ends its trial, and lets handlers take back what went with one that failed.
  /// `report` is called before each call of a handler.
  ///
  /// Durable, and may be cut off anywhere and run again. Throws `deploy`.
  public func markGood(
    _ report: (HandlerVerb, String) -> Void = { _, _ in }
  ) throws(UpdaterError) -> ProofReport {
    let sysroot = sysroot
    let lock = try inDeploy { () throws(DeployError) in try sysroot.lock() }
    var (handled, failure) = (HandlerReport(), UpdaterError?.none)
    func callHandlers() {
      do throws(UpdaterError) { handled += try runHandlers(report) } catch { failure = error }
    }
    callHandlers()
    guard handled.isSystemWell else {
      return ProofReport(markGood: nil, handled: handled, handlersFailure: failure)
    }
    let proven = try inDeploy { () throws(DeployError) in try sysroot.markGood(lock) }
    if failure == nil { callHandlers() }
    return ProofReport(markGood: proven, handled: handled, handlersFailure: failure)
  }

  /// Goes on with what was begun; the server is not asked.
  private func runHandlers(
    _ report: (HandlerVerb, String) -> Void
  ) throws(UpdaterError) -> HandlerReport {
    let sysroot = sysroot
    let (state, trials) = try inDeploy { () throws(DeployError) in
      (try sysroot.state(), try sysroot.trialRecord())
    }
    return try handlers(state).run(nil, HandlerSituation(state, trials), report)
  }
}

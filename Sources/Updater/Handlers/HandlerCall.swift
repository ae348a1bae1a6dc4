// SPDX-License-Identifier: Apache-2.0
import Cryptography
public import Linux

/// What a handler is called for: its first argument.
public enum HandlerVerb: String, Sendable {
  case apply, verify, revert
}

/// What a handler's end means.
public enum HandlerEnd: Hashable, Sendable {
  case done
  /// Done, but for a restart of the system.
  case restart
  /// Not now, and nothing was changed: the next run tries again.
  case later
  case failed

  /// As aktualizr-lite says that a restart completes an installation.
  static let restartCode: Int32 = 100
  /// `EX_TEMPFAIL`. sysexits(3head).
  static let laterCode: Int32 = 75

  init(_ verb: HandlerVerb, _ end: ProgramEnd) {
    switch (verb, end) {
    case (_, .exited(0)): self = .done
    case (.apply, .exited(HandlerEnd.restartCode)), (.revert, .exited(HandlerEnd.restartCode)):
      self = .restart
    case (.apply, .exited(HandlerEnd.laterCode)): self = .later
    default: self = .failed
    }
  }
}

/// A handler that did not do what it was called for.
public struct HandlerFailure: Error, Hashable, Sendable {
  public enum End: Hashable, Sendable {
    case ended(ProgramEnd)
    case notStarted(Errno)
    /// It is not there any more.
    case missing
  }

  public let verb: HandlerVerb
  /// The name of the target.
  public let target: String
  /// The path of the handler; its name where it is missing.
  public let handler: String
  public let end: End

  /// Whether the next run may go better: the handler says so.
  public var isTemporary: Bool { verb == .apply && end == .ended(.exited(HandlerEnd.laterCode)) }
}

/// One call of a handler: `HANDLER apply FILE`, `HANDLER verify` or `HANDLER revert`.
struct HandlerCall {
  let verb: HandlerVerb
  let slot: HandlerSlot
  let attempt: HandlerSlot.Attempt
  let places: HandlerPlaces
  let limitSeconds: Int

  /// Gives how it ended, and the failure where it did not do what it was called for.
  func run(_ path: String?) -> (end: HandlerEnd, failure: HandlerFailure?) {
    guard let path else { return (.failed, failure(slot.handler, .missing)) }
    var program = Program(path)
    program.arguments = [verb.rawValue]
    if verb == .apply { program.arguments.append(places.targets.path(of: attempt.target.content)) }
    program.variables = variables
    program.workingDirectory = places.folder(of: slot)
    let found: ProgramEnd
    do throws(Errno) { found = try program.run(limitSeconds: limitSeconds) } catch {
      return (.failed, failure(path, .notStarted(error)))
    }
    let end = HandlerEnd(verb, found)
    let isFine = end == .done || end == .restart
    return (end, isFine ? nil : failure(path, .ended(found)))
  }

  private func failure(_ handler: String, _ end: HandlerFailure.End) -> HandlerFailure {
    HandlerFailure(verb: verb, target: attempt.target.name, handler: handler, end: end)
  }

  /// Each is always set; empty where it does not apply.
  private var variables: [(name: String, value: String)] {
    let (target, previous) = (attempt.target, slot.proven)
    return [
      ("COPPICE_TARGET", target.name),
      ("COPPICE_VERSION", target.version ?? ""),
      ("COPPICE_FORMAT", target.format),
      ("COPPICE_FILE", places.targets.path(of: target.content)),
      ("COPPICE_METADATA", places.metadata(of: slot)),
      ("COPPICE_ECU", slot.ecu.serial),
      ("COPPICE_HARDWARE_ID", slot.ecu.hardwareID),
      ("COPPICE_CORRELATION_ID", target.correlationID ?? ""),
      ("COPPICE_DEPLOYMENT", attempt.system?.commit.hex ?? ""),
      ("COPPICE_PREVIOUS_TARGET", previous?.name ?? ""),
      ("COPPICE_PREVIOUS_VERSION", previous?.version ?? ""),
      ("COPPICE_PREVIOUS_FILE", previous.map { places.targets.path(of: $0.content) } ?? ""),
    ]
  }
}

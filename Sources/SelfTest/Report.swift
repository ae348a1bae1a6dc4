// SPDX-License-Identifier: Apache-2.0

/// What a run of checks found.
public struct Report: Sendable {
  public private(set) var passedCount = 0
  /// One line for each check that did not hold, in the order of the run.
  public private(set) var failures: [String] = []

  public init() {}

  public var holds: Bool { failures.isEmpty }

  /// The last line of the output, for example "41 passed, 0 failed".
  public var summary: String { "\(passedCount) passed, \(failures.count) failed" }

  /// Counts one check; `what` says what should have held.
  public mutating func expect(_ condition: Bool, _ what: String) {
    if condition { passedCount += 1 } else { failures.append(what) }
  }

  /// A check that could not be brought to its end.
  public mutating func fail(_ what: String) { failures.append(what) }
}

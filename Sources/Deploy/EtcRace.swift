// SPDX-License-Identifier: Apache-2.0
import Linux

/// /etc belongs to a running system: its files come and go while they are read.
enum EtcRace {
  /// As often as this a file may go and come back under our hands; more often is an error.
  private static let attemptsMax = 16

  /// Runs `body`, again where a file had gone that now `isThere` again. Gives false if it is gone.
  ///
  /// `body` must bear being run again after it failed.
  static func bear<E>(
    isThere: () throws(E) -> Bool, isNotFound: (E) -> Bool, _ body: () throws(E) -> Void
  ) throws(E) -> Bool {
    var attempts = 0
    while true {
      do throws(E) {
        try body()
        return true
      } catch {
        guard try isThere() else { return false }
        attempts += 1
        guard isNotFound(error), attempts < attemptsMax else { throw error }
      }
    }
  }
}

extension DeployError {
  /// A file that was not there.
  var isNotFound: Bool {
    if case .file(_, .notFound) = self { true } else { false }
  }
}

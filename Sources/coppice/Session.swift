// SPDX-License-Identifier: Apache-2.0

/// One run of a command: what it was asked for and where its words go.
final class Session {
  let arguments: Arguments
  let terminal: Terminal

  init(_ arguments: Arguments, _ terminal: Terminal) {
    self.arguments = arguments
    self.terminal = terminal
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation

/// `Tests/Servers/delay_proxy.py`: a line to a server of this machine that is long, thin or bad.
public final class DelayProxy: Sendable {
  public let port: Int
  private let running: RunningProgram

  /// `arguments` as the script has them.
  public init(to server: Int, _ arguments: [String]) throws {
    port = try FreePort.take()
    let script = "\(PackagePaths.root)/Tests/Servers/delay_proxy.py"
    running = try RunningProgram(
      "python3", ["-B", script, "\(server)", "--listen", "\(port)"] + arguments)
    for _ in 0..<1000 {
      if FreePort.answers(port) { return }
      usleep(10_000)
    }
    throw ProgramError(description: "no line: \(running.standardErrorSoFar)")
  }
}

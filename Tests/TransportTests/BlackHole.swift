// SPDX-License-Identifier: Apache-2.0
import Foundation

/// An address that takes no connections and does not say so: its queue is full.
final class BlackHole {
  let port: Int
  private let process = Process()
  private let input = Pipe()

  init() {
    let script = """
      import socket, sys
      s = socket.socket(); s.bind(("127.0.0.2", 0)); s.listen(0)
      full = []
      for _ in range(8):
          c = socket.socket(); c.setblocking(False)
          c.connect_ex(s.getsockname()); full.append(c)
      print(s.getsockname()[1], flush=True)
      sys.stdin.read()
      """
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script]
    process.standardInput = input
    process.standardOutput = output
    try! process.run()
    port = readPort(from: output)
  }

  deinit { input.fileHandleForWriting.closeFile() }
}

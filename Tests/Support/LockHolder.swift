// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Another program that holds a lock file the way libostree does: an open-file-description lock on
/// all of it. Until `release`, or until nobody holds this value.
public final class LockHolder {
  private let program: RunningProgram

  public init(_ path: String, exclusive: Bool = true) throws {
    let script = """
      import fcntl, struct, sys, time
      file = open(sys.argv[1], 'a+b')
      kind = fcntl.F_WRLCK if sys.argv[2] == 'exclusive' else fcntl.F_RDLCK
      # struct flock: type, whence, start, length (0: to the end), pid (0: of the open file).
      fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack('hhqqi4x', kind, 0, 0, 0, 0))
      print('locked', file=sys.stderr, flush=True)
      time.sleep(600)
      """
    program = try RunningProgram(
      "python3", ["-c", script, path, exclusive ? "exclusive" : "shared"])
    for _ in 0..<1000 {
      let words = program.standardErrorSoFar
      if words == "locked\n" { return }
      if words.contains("Error") { throw ProgramError(description: words) }
      usleep(10_000)
    }
    throw ProgramError(description: "nobody locked '\(path)' in 10 seconds")
  }

  deinit { release() }

  public func release() {
    program.send(signal: SIGKILL)
    _ = try? program.wait(seconds: 10)
  }
}

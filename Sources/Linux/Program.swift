// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// How a program ended.
public enum ProgramEnd: Hashable, Sendable {
  case exited(Int32)
  case killed(signal: Int32)
  /// It ran too long, and was killed with all that it had started in its process group.
  case timedOut
}

/// Another program, and what it is given.
public struct Program: Sendable {
  public let path: String
  /// Those behind its name.
  public var arguments: [String] = []
  /// Set in its environment, over what this process has.
  public var variables: [(name: String, value: String)] = []
  /// Nil: that of this process.
  public var workingDirectory: String?

  public init(_ path: String) { self.path = path }

  /// Runs it and waits for its end: with no input, its output where standard error goes. A script
  /// without a first line that names its shell is run by /bin/sh. Throws `.invalid` for an argument
  /// or a variable that holds a NUL. fork(2), execve(2), setpgid(2), chdir(2).
  public func run(limitSeconds: Int) throws(Errno) -> ProgramEnd {
    let limit = Int64(limitSeconds) * 1_000_000_000
    let result = unsafe try call { path, words, settings, directory in
      unsafe clinux_run_program(path, words, settings, directory, limit)
    }
    return result == CLINUX_TIMED_OUT ? .timedOut : ProgramEnd(result)
  }

  /// As `run`, but does not wait.
  public func start() throws(Errno) -> StartedProgram {
    StartedProgram(
      unsafe try call { path, words, settings, directory in
        unsafe clinux_start_program(path, words, settings, directory)
      })
  }

  private func call(
    _ body: (UnsafePointer<CChar>, clinux_strings, clinux_strings, UnsafePointer<CChar>?) -> Int32
  ) throws(Errno) -> Int32 {
    let (words, settings) = (
      try StringList(arguments), try StringList(variables.map { "\($0.name)=\($0.value)" })
    )
    return try retrying {
      unsafe withPath(path) { path in
        unsafe words.withStrings { words in
          unsafe settings.withStrings { settings in
            guard let workingDirectory else { return unsafe body(path, words, settings, nil) }
            return unsafe withPath(workingDirectory) { unsafe body(path, words, settings, $0) }
          }
        }
      }
    }
  }
}

/// A program that was started; letting go of it kills it, with all that it has started in its
/// process group.
public struct StartedProgram: ~Copyable {
  private let process: Int32
  private var found: ProgramEnd?

  fileprivate init(_ process: Int32) { self.process = process }

  /// How it ended; nil as long as it runs. waitpid(2).
  public mutating func end() -> ProgramEnd? {
    if let found { return found }
    let result = clinux_program_result(process)
    if result != CLINUX_STILL_RUNNING { found = ProgramEnd(result) }
    return found
  }

  deinit {
    if found == nil { clinux_end_program(process) }
  }
}

extension ProgramEnd {
  /// From what the C part gives.
  fileprivate init(_ result: Int32) {
    self = result < 256 ? .exited(result) : .killed(signal: result - 256)
  }
}

/// Strings as C has them, one behind the other.
private struct StringList {
  private var bytes: [CChar] = []
  private let count: Int

  init(_ strings: [String]) throws(Errno) {
    count = strings.count
    for string in strings {
      if string.utf8.contains(0) { throw .invalid }
      if let encoded = FileName.encode(string) {
        bytes += encoded
      } else {
        for byte in string.utf8 { bytes.append(CChar(bitPattern: byte)) }
        bytes.append(0)
      }
    }
    bytes.append(0)  // Also without strings there is something to point at.
  }

  func withStrings<R>(_ body: (clinux_strings) -> R) -> R {
    unsafe bytes.withUnsafeBufferPointer {
      unsafe body(clinux_strings(bytes: $0.baseAddress!, count: count))
    }
  }
}

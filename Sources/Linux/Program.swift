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
    let (words, settings) = (
      try StringList(arguments), try StringList(variables.map { "\($0.name)=\($0.value)" })
    )
    let result = try retrying {
      unsafe withPath(path) { path in
        unsafe words.withStrings { words in
          unsafe settings.withStrings { settings in
            guard let workingDirectory else {
              return unsafe clinux_run_program(path, words, settings, nil, limit)
            }
            return unsafe withPath(workingDirectory) {
              unsafe clinux_run_program(path, words, settings, $0, limit)
            }
          }
        }
      }
    }
    if result == CLINUX_TIMED_OUT { return .timedOut }
    return result < 256 ? .exited(result) : .killed(signal: result - 256)
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

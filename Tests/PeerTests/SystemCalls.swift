// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support

/// The system calls by which a program changes something, each of which can be made to fail, or to
/// be the last thing that the program comes to. By strace(1).
enum SystemCalls {
  /// One of them: the so-and-so-manieth by this name.
  struct Call: CustomStringConvertible {
    let name: String
    let number: Int
    var description: String { "\(name) \(number)" }
  }

  enum Fault: CustomStringConvertible {
    /// `kill -9` just before it.
    case kill
    /// For example `EIO`.
    case error(String)

    var description: String {
      switch self {
      case .kill: "kill"
      case .error(let name): name
      }
    }
  }

  private static let changing = [
    "chdir", "copy_file_range", "fallocate", "fchmod", "fchmodat", "fchown", "fchownat",
    "fdatasync",
    "fsetxattr", "fsync", "ftruncate", "ioctl", "linkat", "lsetxattr", "mkdirat", "pwrite64",
    "renameat2", "sendto", "symlinkat", "syncfs", "unlinkat", "utimensat", "write",
  ]

  /// Not everybody may look into programs, and in containers nobody may.
  static let canBeFaulted =
    geteuid() == 0 && (try? Support.run("strace", "-qqq", "-o", "/dev/null", "true").status) == 0

  /// Those that a run of `command` makes, in no order. `room`: what is put before the program that
  /// looks on, and is not looked at itself.
  static func all(of command: [String], in room: [String] = [], log: String) throws -> [Call] {
    let result = try start(
      room + ["strace", "-f", "-qqq", "-o", log, "-e", "trace=\(changing.joined(separator: ","))"]
        + command)
    guard result.status == 0 else { throw ProgramError(description: result.description) }
    var counts: [String: Int] = [:]
    for line in try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 1)
      guard words.count == 2, let end = words[1].firstIndex(of: "(") else { continue }
      // strace counts in each thread by itself.
      counts["\(words[0]) \(words[1][..<end])", default: 0] += 1
    }
    var most: [String: Int] = [:]
    for (key, count) in counts {
      let name = String(key.split(separator: " ")[1])
      most[name] = max(most[name] ?? 0, count)
    }
    return most.sorted { $0.key < $1.key }.flatMap { name, count in
      (1...count).map { Call(name: name, number: $0) }
    }
  }

  /// Runs `command` with this fault.
  static func run(
    _ command: [String], in room: [String] = [], _ fault: Fault, at call: Call, log: String
  ) throws -> ProgramResult {
    let what =
      switch fault {
      case .kill: "signal=KILL"
      case .error(let name): "error=\(name)"
      }
    return try start(
      room + [
        "strace", "-f", "-qqq", "-o", log, "-e", "trace=\(call.name)",
        "-e", "inject=\(call.name):\(what):when=\(call.number)",
      ] + command)
  }

  private static func start(_ words: [String]) throws -> ProgramResult {
    try Support.run(words[0], arguments: Array(words.dropFirst()))
  }

  /// All, where somebody has the time; else every so manieth, other ones each time.
  static func sample(
    _ calls: [Call], oneIn step: Int, _ random: inout SeededRandom
  ) -> [Call] {
    if Slow.isWanted { return calls }
    let start = Int(random.below(Double(step)))
    return stride(from: start, to: calls.count, by: step).map { calls[$0] }
  }
}

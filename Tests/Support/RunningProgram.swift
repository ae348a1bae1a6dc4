// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Foundation

/// A program that was started and not yet waited for. Killed if nobody waits for it.
public final class RunningProgram: @unchecked Sendable {
  private let process = Process()
  private let ended = DispatchSemaphore(value: 0)
  private let words: String
  // Files, not pipes: nobody has to read while the program writes.
  private let output: TemporaryDirectory

  /// Starts `program`, a path or a name that is looked up in PATH and the folders of system
  /// programs. `environment` is added to this process's own; words are in English.
  public init(
    _ program: String, _ arguments: [String], in directory: String? = nil,
    environment: [String: String] = [:], input: [UInt8] = []
  ) throws {
    words = ([program] + arguments).joined(separator: " ")
    output = try TemporaryDirectory("run")
    let input = try output.write(input, to: "input")
    process.executableURL = URL(fileURLWithPath: try RunningProgram.find(program))
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
      .merging(["LC_ALL": "C.UTF-8", "TZ": "UTC"]) { $1 }
      .merging(environment) { $1 }
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    let files = [
      try FileHandle(forReadingFrom: URL(fileURLWithPath: input)),
      try RunningProgram.create(output.file("stdout")),
      try RunningProgram.create(output.file("stderr")),
    ]
    // Foundation keeps the handles of a program that has ended, and reads beyond a buffer of names
    // in /proc/self/fd once there are some thousand: the program has them, so they are closed here.
    defer { for file in files { try? file.close() } }
    process.standardInput = files[0]
    process.standardOutput = files[1]
    process.standardError = files[2]
    let ended = ended
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  public var identifier: Int32 { process.processIdentifier }

  /// What it wrote to standard error so far.
  public var standardErrorSoFar: String { (try? output.readText("stderr")) ?? "" }

  public func send(signal: Int32) { kill(process.processIdentifier, signal) }

  /// Waits until it ends. After `seconds` it is killed and the wait throws.
  public func wait(seconds: Int = 300) throws -> ProgramResult {
    guard ended.wait(timeout: .now() + .seconds(seconds)) == .success else {
      kill(process.processIdentifier, SIGKILL)
      throw ProgramError(description: "'\(words)' did not end in \(seconds) seconds")
    }
    ended.signal()  // Who waits again finds the same result.
    let bySignal = process.terminationReason == .uncaughtSignal
    return ProgramResult(
      words: words, status: (bySignal ? 128 : 0) + process.terminationStatus,
      standardOutputBytes: try output.read("stdout"),
      standardError: try output.readText("stderr"))
  }

  private static func create(_ path: String) throws -> FileHandle {
    try Data().write(to: URL(fileURLWithPath: path))
    return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  }

  private static func find(_ program: String) throws -> String {
    if program.contains("/") { return program }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
    let found = folders.map { "\($0)/\(program)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    guard let found else { throw ProgramError(description: "'\(program)' is not installed") }
    return found
  }
}

/// How a program ended and what it said.
public struct ProgramResult: Sendable, CustomStringConvertible {
  public let words: String
  /// The exit code; 128 and the number of the signal that ended it, as a shell has it.
  public let status: Int32
  public let standardOutputBytes: [UInt8]
  public let standardError: String

  public var standardOutput: String { String(decoding: standardOutputBytes, as: UTF8.self) }
  public var lines: [String] { standardOutput.split(separator: "\n").map(String.init) }

  public var description: String {
    "'\(words)' ended with \(status)\n\(standardOutput)\(standardError)"
  }
}

/// A program that could not be run, or that failed where it must not.
public struct ProgramError: Error, CustomStringConvertible {
  public let description: String

  public init(description: String) { self.description = description }
}

/// Runs a program to its end, whatever that is.
public func run(
  _ program: String, _ arguments: String..., in directory: String? = nil,
  environment: [String: String] = [:], input: String = "", seconds: Int = 300
) throws -> ProgramResult {
  try run(
    program, arguments: arguments, in: directory, environment: environment, input: input,
    seconds: seconds)
}

/// As above, with the arguments in an array.
public func run(
  _ program: String, arguments: [String], in directory: String? = nil,
  environment: [String: String] = [:], input: String = "", seconds: Int = 300
) throws -> ProgramResult {
  try RunningProgram(
    program, arguments, in: directory, environment: environment, input: [UInt8](input.utf8)
  ).wait(seconds: seconds)
}

/// Runs a program that must succeed, and gives its standard output without the last line feed.
/// What it said on failure is in the error.
@discardableResult
public func mustRun(
  _ program: String, _ arguments: String..., in directory: String? = nil,
  environment: [String: String] = [:], input: String = ""
) throws -> String {
  let result = try run(
    program, arguments: arguments, in: directory, environment: environment, input: input)
  guard result.status == 0 else { throw ProgramError(description: result.description) }
  let text = result.standardOutput
  return text.hasSuffix("\n") ? String(text.dropLast()) : text
}

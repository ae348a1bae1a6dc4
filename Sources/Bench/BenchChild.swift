// SPDX-License-Identifier: Apache-2.0
import Linux

/// How this program is started once more, for what needs a process of its own: other CPU features,
/// memory that nobody else has used.
///
/// The words of the child are the part, the file for its figures, and what the part wants to know.
public struct BenchChild: Sendable {
  private let program: String
  /// The words in front of the part.
  private let words: [String]

  public init(program: String, words: [String]) {
    self.program = program
    self.words = words
  }

  enum Part: String {
    case kernel
  }

  /// More than the slowest board takes.
  private static let limitSeconds = 60
  private static let bytesMax = 4096

  /// Runs a part and gives the numbers that it has found; nil if it failed or cannot be started.
  func figures(
    _ part: Part, _ arguments: [String], _ variables: [(name: String, value: String)] = [],
    _ scratch: Scratch
  ) throws(BenchError) -> [UInt64]? {
    let file = "\(scratch.path)/\(part.rawValue)"
    var program = Program(program)
    program.arguments = words + [part.rawValue, file] + arguments
    program.variables = variables
    let end: ProgramEnd
    do throws(Errno) { end = try program.run(limitSeconds: BenchChild.limitSeconds) } catch {
      return nil
    }
    guard end == .exited(0) else { return nil }
    let text = try at(file) { () throws(Errno) in
      try scratch.directory.open(part.rawValue).readAll(limit: BenchChild.bytesMax)
    }
    return text.split(separator: UInt8(ascii: "\n")).compactMap {
      UInt64(String(decoding: $0, as: UTF8.self))
    }
  }

  /// What the child does; false if there is no such part, or words are missing.
  public static func run(_ words: [String]) throws(BenchError) -> Bool {
    guard let part = words.first.flatMap({ Part(rawValue: $0) }), words.count > 1 else {
      return false
    }
    let file = words[1]
    try at(file) { () throws(Errno) in try Process.endWithParent() }
    switch part {
    case .kernel:
      guard words.count == 3, let nanoseconds = Int64(words[2]) else { return false }
      try save(try HashKernel.rates(nanoseconds: nanoseconds), file)
    }
    return true
  }

  private static func save(_ figures: [UInt64], _ file: String) throws(BenchError) {
    let text = figures.map { "\($0)\n" }.joined()
    try at(file) { () throws(Errno) in
      try FileDescriptor.open(file, [.writeOnly, .create, .truncate], mode: 0o600).write(text)
    }
  }
}

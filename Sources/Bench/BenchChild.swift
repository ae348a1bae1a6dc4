// SPDX-License-Identifier: Apache-2.0
import Linux

/// How this program is started once more, for what needs a process of its own: other CPU features,
/// memory that nobody else has used, a server.
///
/// The words of the child are the part, the scratch folder, where its figures go to the file of
/// that name, and what the part wants to know.
public struct BenchChild: Sendable {
  private let program: String
  /// The words in front of the part.
  private let words: [String]

  public init(program: String, words: [String]) {
    self.program = program
    self.words = words
  }

  enum Part: String {
    case kernel, serve, pull, bare
  }

  private static let bytesMax = 4096

  /// Starts a part, which ends with the value that is given.
  func start(
    _ part: Part, _ arguments: [String], _ scratch: Scratch,
    variables: [(name: String, value: String)] = []
  ) throws(BenchError) -> StartedProgram {
    try scratch.remove(part.rawValue)
    var program = Program(program)
    program.arguments = words + [part.rawValue, scratch.path] + arguments
    program.variables = variables
    return try at(program.path) { () throws(Errno) in try program.start() }
  }

  /// Runs a part and gives the numbers that it has found; nil if it failed.
  func figures(
    _ part: Part, _ arguments: [String], _ scratch: Scratch,
    variables: [(name: String, value: String)] = []
  ) throws(BenchError) -> [UInt64]? {
    var program = try start(part, arguments, scratch, variables: variables)
    while true {
      if let end = program.end() { return end == .exited(0) ? try saved(part, scratch) : nil }
      if Process.isInterrupted { throw .interrupted }
      Clock.sleep(milliseconds: 2)
    }
  }

  /// What the part has found so far; nil if that is not complete.
  func saved(_ part: Part, _ scratch: Scratch) throws(BenchError) -> [UInt64]? {
    let text = try at("\(scratch.path)/\(part.rawValue)") { () throws(Errno) -> [UInt8] in
      guard try scratch.directory.contains(part.rawValue) else { return [] }
      return try scratch.directory.open(part.rawValue).readAll(limit: BenchChild.bytesMax)
    }
    guard text.last == UInt8(ascii: "\n") else { return nil }
    return text.split(separator: UInt8(ascii: "\n")).compactMap {
      UInt64(String(decoding: $0, as: UTF8.self))
    }
  }

  /// What the child does; false if there is no such part, or words are missing.
  public static func run(_ words: [String]) throws(BenchError) -> Bool {
    guard let part = words.first.flatMap({ Part(rawValue: $0) }), words.count > 2 else {
      return false
    }
    let (file, rest) = ("\(words[1])/\(part.rawValue)", Array(words[2...]))
    try endWithParent(words[1])
    switch part {
    case .kernel:
      guard let nanoseconds = Int64(rest[0]) else { return false }
      try save(try HashKernel.rates(nanoseconds: nanoseconds), file)
    case .serve:
      try LoopbackServer.run(rest[0]) { (port) throws(BenchError) in
        try save([UInt64(port)], file)
      }
    case .pull:
      guard let figures = try PullJob.figures(rest) else { return false }
      try save(figures, file)
    case .bare:
      guard rest.count == 2 else { return false }
      let figures = try Cost.figures { () throws(BenchError) in
        let loop = try BareLoop(rest[0], rest[1])
        try loop.run()
        return (loop.objects, loop.readBytes)
      }
      try save(figures, file)
    }
    return true
  }

  /// Who has started this may have ended before that could be heard of: then nobody holds the lock
  /// of the scratch folder.
  private static func endWithParent(_ scratch: String) throws(BenchError) {
    let isOrphan = try at(scratch) { () throws(Errno) in
      try Process.endWithParent()
      return try FileDescriptor.open("\(scratch)/\(Scratch.lockName)", [.readWrite])
        .tryLock(.exclusive)
    }
    if isOrphan { throw .interrupted }
  }

  private static func save(_ figures: [UInt64], _ file: String) throws(BenchError) {
    let text = figures.map { "\($0)\n" }.joined()
    try at(file) { () throws(Errno) in
      try FileDescriptor.open(file, [.writeOnly, .create, .truncate], mode: 0o600).write(text)
    }
  }
}

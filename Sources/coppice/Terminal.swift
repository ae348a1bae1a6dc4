// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
import Synchronization

/// Where words go: results to standard output, messages to standard error.
///
/// A message is `coppice: error: ...`, with a second line `coppice: hint: ...` where there is
/// advice.
/// Under systemd (`JOURNAL_STREAM` is set) each line begins with its priority, sd-daemon(3).
final class Terminal: Sendable {
  /// The priorities of syslog(3).
  enum Level: Int, Sendable {
    case error = 3
    case warning = 4
    case info = 6
    case debug = 7

    var word: String {
      switch self {
      case .error: "error"
      case .warning: "warning"
      case .info: "info"
      case .debug: "debug"
      }
    }

    /// The colour, as an escape sequence of ECMA-48.
    fileprivate var colour: String {
      switch self {
      case .error: "\u{1B}[1;31m"
      case .warning: "\u{1B}[1;33m"
      case .info, .debug: ""
      }
    }
  }

  /// The result is one JSON document; what else would go to standard output is dropped.
  let isJSON: Bool
  private let threshold: Level
  private let hasColours: Bool
  private let hasPriorities: Bool
  private let buffer = Guarded<[UInt8]>([])
  private let hasBar = Atomic<Bool>(false)

  /// Back to the first column, and the rest of the line away. ECMA-48.
  private static let clearLine = "\r\u{1B}[K"
  private static let bufferBytes = 16 << 10
  private static let output: Int32 = 1
  private static let messages: Int32 = 2

  init(isJSON: Bool, isQuiet: Bool = false, isVerbose: Bool = false, noColours: Bool = false) {
    self.isJSON = isJSON
    threshold = isQuiet ? .error : isVerbose ? .debug : .info
    hasPriorities = Process.environment("JOURNAL_STREAM").map { !$0.isEmpty } ?? false
    let refused = noColours || Process.environment("NO_COLOR").map { !$0.isEmpty } ?? false
    hasColours =
      !refused && !hasPriorities && Process.isTerminal(Terminal.messages)
      && Process.environment("TERM") != "dumb"
  }

  var isQuiet: Bool { threshold == .error }
  var isVerbose: Bool { threshold == .debug }

  // MARK: messages

  func show(_ message: Message) {
    say(.error, message.text)
    if let hint = message.hint { say(.error, hint, as: "hint") }
  }

  func warn(_ text: String) { say(.warning, text) }

  /// What somebody who waits wants to know.
  func inform(_ text: String) { say(.info, text, as: nil) }

  /// Only with `-v`.
  func debug(_ text: String) { say(.debug, text, as: nil) }

  private func say(_ level: Level, _ text: String) { say(level, text, as: level.word) }

  private func say(_ level: Level, _ text: String, as word: String?) {
    guard level.rawValue <= threshold.rawValue else { return }
    let priority = hasPriorities ? "<\(level.rawValue)>" : ""
    var label = word.map { "\($0): " } ?? ""
    if hasColours, word != nil, !level.colour.isEmpty {
      label = "\(word == "hint" ? "\u{1B}[1m" : level.colour)\(label)\u{1B}[0m"
    }
    Process.print(
      "\(priority)coppice: \(label)\(Terminal.printable(text))\n", to: Terminal.messages)
  }

  /// Draws a line over the one drawn before; the empty text takes it away.
  func bar(_ text: String) {
    let columns = max(Process.terminalColumns(Terminal.messages) ?? 80, 2) - 1
    let line = Terminal.printable(text).prefix(columns)
    Process.print(Terminal.clearLine + line, to: Terminal.messages)
    hasBar.store(!text.isEmpty, ordering: .relaxed)
  }

  /// A message stays one line, and nothing in it steers the terminal: names come from outside.
  static func printable(_ text: String) -> String {
    if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return text }
    var shown = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      // Controls of ECMA-48, and bytes that are not text, as `FileName` has them.
      case 0..<0x20, 0x7F..<0xA0, 0x10FF80...0x10FFFF:
        for byte in FileName.bytes(of: String(scalar)) {
          shown += "\\x\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))"
        }
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }

  // MARK: results

  /// One line of the result, for a person.
  func line(_ text: String) throws(Message) {
    if isJSON { return }
    try write(FileName.bytes(of: text) + [0x0A])
  }

  /// A result that is bytes, for example the content of a file.
  func write(_ bytes: [UInt8]) throws(Message) {
    if isJSON { return }
    try put(bytes)
  }

  /// The one JSON document.
  func document(_ value: JSONValue) throws(Message) {
    try put(Array((value.serialized() + "\n").utf8))
  }

  private func put(_ bytes: [UInt8]) throws(Message) {
    let isFull = buffer.withLock { buffer in
      buffer += bytes
      return buffer.count >= Terminal.bufferBytes
    }
    if isFull { try flush() }
  }

  /// Everything given so far reaches standard output, or the caller learns why not.
  func flush() throws(Message) {
    let bytes = buffer.withLock { buffer in
      let bytes = buffer
      buffer.removeAll(keepingCapacity: true)
      return bytes
    }
    let file = FileDescriptor(owning: Terminal.output)
    var failure: Errno?
    do throws(Errno) { try file.write(bytes.span) } catch { failure = error }
    _ = file.release()
    guard let failure else { return }
    // Whoever read it has had enough (`coppice ls ... | head`): nothing is left to say.
    if failure == .brokenPipe { Process.exit(ExitCode.failed.rawValue) }
    throw Message(
      failure.exitCode, "write-failed", "cannot write to standard output: \(failure.reason)")
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
public import Cryptography
public import Linux

/// How one run of a command ended.
public struct HistoryEntry: Hashable, Sendable {
  /// For example `update`.
  public var command: String
  /// The exit code.
  public var exit: Int32
  /// For example `deployed`; nil where the command failed.
  public var result: String?
  /// Seconds since 1970 in UTC, by the clock of the device.
  public var at: Int64
  /// What it was about, as far as it came to know.
  public var commit: Checksum?
  /// The name of the error, for example `no-space`; nil where there was none.
  public var error: String?
  /// How many runs in a row ended so; `at` is of the last of them.
  public var times: Int64 = 1

  public init(
    command: String, exit: Int32, result: String? = nil, at: Int64, commit: Checksum? = nil,
    error: String? = nil
  ) {
    self.command = command
    self.exit = exit
    self.result = result
    self.at = at
    self.commit = commit
    self.error = error
  }

  /// The same end, whenever it was.
  fileprivate func isRepeated(by next: HistoryEntry) -> Bool {
    var (one, other) = (self, next)
    (one.at, other.at) = (0, 0)
    (one.times, other.times) = (1, 1)
    return one == other
  }
}

/// How the last runs ended: the file `history` in the folder of coppice's state.
/// ```
/// [history]
/// version=1
///
/// [result 1]                     the newest
/// command=update
/// exit=0
/// result=deployed
/// at=2026-11-21T00:12:44Z
/// commit=4e67ea…
/// times=1
/// ```
/// A job of cron that ends the same way each time counts up and does not push out what is older.
public struct History: Sendable {
  /// So many are kept.
  public static let entriesMax = 20

  /// The folder that holds the file; it need not exist.
  public let folder: String

  private static let name = "history"
  private static let group = "history"
  private static let version: Int64 = 1
  /// Far above what `entriesMax` entries take.
  private static let bytesMax = 64 << 10

  public init(folder: String) { self.folder = folder }

  public var path: String { "\(folder)/\(History.name)" }

  /// The last run, or nil. What cannot be read counts as nothing: nothing is decided by it.
  public func last(_ command: String? = nil) -> HistoryEntry? {
    let entries = (try? entries()) ?? []
    guard let command else { return entries.first }
    return entries.first { $0.command.utf8.elementsEqual(command.utf8) }
  }

  /// The newest first. What a newer coppice wrote in another form, and what is damaged, is passed
  /// over.
  public func entries() throws(Errno) -> [HistoryEntry] {
    let text: [UInt8]
    do throws(Errno) {
      text = try FileDescriptor.open(path).readAll(limit: History.bytesMax)
    } catch {
      if error == .notFound || error == .notDirectory || error == .overflow { return [] }
      throw error
    }
    guard let file = try? Keyfile(parsing: text),
      (try? file.integer(History.group, "version")) == History.version
    else { return [] }
    var entries: [HistoryEntry] = []
    for number in 1...History.entriesMax {
      guard let entry = HistoryEntry(in: file, History.group(number)) else { break }
      entries.append(entry)
    }
    return entries
  }

  /// Adds a run; makes the folder if it is missing. Durable when it returns.
  public func record(_ entry: HistoryEntry) throws(Errno) {
    var entries = try entries()
    var entry = entry
    if let newest = entries.first, newest.isRepeated(by: entry) {
      entry.times = newest.times.addingReportingOverflow(entry.times).partialValue
      entries.removeFirst()
    }
    entries.insert(entry, at: 0)

    var file = Keyfile()
    file.set(History.group, "version", to: String(History.version))
    for (index, entry) in entries.prefix(History.entriesMax).enumerated() {
      entry.write(to: &file, History.group(index + 1))
    }
    try FileDescriptor.openDirectory(".").makeDirectories(folder, mode: 0o755)
    try FileDescriptor.openDirectory(folder).replaceFile(History.name, with: file.serialized())
  }

  private static func group(_ number: Int) -> String { "result \(number)" }
}

extension HistoryEntry {
  /// Nil if the group is missing or holds no result.
  fileprivate init?(in file: Keyfile, _ group: String) {
    guard let command = file.string(group, "command"),
      let exit = (try? file.integer(group, "exit")) ?? nil, let exit = Int32(exactly: exit),
      let at = file.string(group, "at").flatMap(Timestamp.parse)
    else { return nil }
    self.init(
      command: command, exit: exit, result: file.string(group, "result"), at: at,
      commit: file.string(group, "commit").flatMap { Checksum(hex: $0) },
      error: file.string(group, "error"))
    times = max(1, ((try? file.integer(group, "times")) ?? nil) ?? 1)
  }

  fileprivate func write(to file: inout Keyfile, _ group: String) {
    file.set(group, "command", to: command)
    file.set(group, "exit", to: String(exit))
    if let result { file.set(group, "result", to: result) }
    file.set(group, "at", to: Timestamp.text(seconds: at))
    if let commit { file.set(group, "commit", to: commit.hex) }
    if let error { file.set(group, "error", to: error) }
    file.set(group, "times", to: String(times))
  }
}

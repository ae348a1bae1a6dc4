// SPDX-License-Identifier: Apache-2.0
import Linux

/// systemd-boot, which reads entries from the EFI system partition (ESP) and counts in their names.
///
/// ```
/// ESP/loader/loader.conf                        default ostree-*
/// ESP/loader/entries/ostree-13-poky+3.conf      position 0: the highest number; 3 starts left
/// ESP/loader/entries/ostree-12-poky.conf        position 1
/// ESP/ostree/poky-BOOTCSUM/vmlinuz-6.6          copies of what is in /boot
/// ```
/// The ESP is FAT: it has no links, and a rename is several writes, after which a power cut can
/// leave both names on the same blocks. So nothing is renamed here. An entry is written under its
/// own name without its kernel, made durable, and comes into force by one sector, which names the
/// kernel (`SystemdBootEntry`); it leaves in the same manner. The boot loader puts an entry without
/// starts left, `+0`, behind all others.
///
/// Boot Loader Specification; systemd-boot(7).
public struct SystemdBoot: Hashable, Sendable {
  /// Where the ESP is mounted.
  public let path: String
  /// On the system that runs from here it must be: else all would be written behind its back.
  let requiresMount: Bool

  static let entriesFolder = "loader/entries"

  public init(_ path: String, requiresMount: Bool = false) {
    self.path = path
    self.requiresMount = requiresMount
  }

  /// Whether a default entry is one of many, such as `ostree-*`.
  public static func isPattern(_ name: String) -> Bool {
    name.utf8.contains(UInt8(ascii: "*"))
  }

  var entriesPath: String { "\(path)/\(SystemdBoot.entriesFolder)" }

  func trialCount() throws(BootError) -> TrialCount {
    let esp = try open()
    guard let first = try files(esp).inForce.first, let counter = first.name.counter else {
      return .idle
    }
    if counter.left == 0 { return .fellBack }
    return .counting(left: counter.left, max: counter.left + (counter.done ?? 0))
  }

  /// Ends the counting of position 0: the same entry under its name without a counter, and then
  /// the other one goes. Durable when it returns.
  func clear() throws(BootError) {
    let esp = try open()
    let files = try files(esp)
    guard let first = files.inForce.first, first.name.counter != nil else { return }
    try remove(files.leftOver, esp)
    var name = first.name
    name.counter = nil
    let fresh = try SystemdBootEntry(first.entry, path: "\(entriesPath)/\(name.text)")
    try create([(name.text, fresh)], esp)
    try complete(name.text, fresh, esp)
    try remove([first.fileName], esp)
  }

  // MARK: The ESP

  /// Throws `noSystemPartition` where none is mounted.
  func open() throws(BootError) -> FileDescriptor {
    let path = path
    let isThere = try at(path) { () throws(Errno) in
      do throws(Errno) {
        let esp = try FileDescriptor.openDirectory(path)
        if !requiresMount { return true }
        return try esp.status().device != esp.status(of: "..").device
      } catch {
        if error == .notFound || error == .notDirectory { return false }
        throw error
      }
    }
    if !isThere { throw .noSystemPartition(path: path) }
    return try at(path) { () throws(Errno) in try FileDescriptor.openDirectory(path) }
  }

  /// The entries of OSTree's on the ESP, the highest number first.
  func files(_ esp: borrowing FileDescriptor) throws(BootError) -> SystemdBootFiles {
    let folder = SystemdBoot.entriesFolder
    let names = try at(entriesPath) { () throws(Errno) -> [String] in
      do throws(Errno) {
        return try esp.open(folder, [.readOnly, .directory]).sortedEntries().map { $0.name }
      } catch {
        if error == .notFound { return [] }
        throw error
      }
    }
    var files = SystemdBootFiles()
    for fileName in names {
      guard let name = BootEntryName(fileName) else { continue }
      let text = try at("\(entriesPath)/\(fileName)") { () throws(Errno) in
        try esp.open("\(folder)/\(fileName)").readAll(limit: BootDirectory.textBytesMax)
      }
      files.add(fileName, name, try? BootEntry(parsing: text, path: fileName))
    }
    files.sort()
    return files
  }
}

/// What lies in `loader/entries` under a name of OSTree's.
struct SystemdBootFiles {
  struct File {
    let fileName: String
    let name: BootEntryName
    let entry: BootEntry
  }

  /// In the order in which they boot, leaving aside that one without starts left boots last.
  private(set) var inForce: [File] = []
  /// What a power cut has left: without a kernel, or counted beside one that is counted no more.
  private(set) var leftOver: [String] = []
  /// The highest number of all, 0 for none.
  private(set) var numberMax = 0

  mutating func add(_ fileName: String, _ name: BootEntryName, _ entry: BootEntry?) {
    numberMax = max(numberMax, name.version)
    if let entry {
      inForce.append(File(fileName: fileName, name: name, entry: entry))
    } else {
      leftOver.append(fileName)
    }
  }

  mutating func sort() {
    inForce.sort { one, other in
      if one.name.version != other.name.version { return one.name.version > other.name.version }
      return one.name.counter == nil && other.name.counter != nil
    }
    var kept: [File] = []
    for file in inForce {
      if kept.last?.name.version == file.name.version {
        leftOver.append(file.fileName)
      } else {
        kept.append(file)
      }
    }
    inForce = kept
  }
}

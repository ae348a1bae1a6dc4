// SPDX-License-Identifier: Apache-2.0
import Linux

/// The text of an entry on the ESP, made so that one sector brings it into force.
///
/// ```
/// title Poky 2026.12
/// version 13
/// options root=LABEL=root … ostree=/ostree/boot.1/poky/…/0
/// initrd /ostree/poky-…/initramfs-6.6.img
/// ##########################################       up to a multiple of 512 bytes
/// linux /ostree/poky-…/vmlinuz-6.6                 the last sector, at first nothing but #
/// ##########################################
/// ```
/// systemd-boot passes over an entry that names no kernel, and a medium writes a sector as a whole.
struct SystemdBootEntry {
  static let sectorBytes = 512

  /// All but the last sector.
  let head: [UInt8]
  /// What makes it an entry.
  let kernel: [UInt8]
  /// What stands there before.
  static let inert = padded([UInt8(ascii: "#")])

  /// Throws `unwritable` for a value with a line break, or a kernel's path that no sector holds.
  init(_ entry: BootEntry, path: String) throws(BootError) {
    let name = "linux"
    _ = try entry.serialized(path: path)
    var text = ""
    for line in entry.lines where !line.key.utf8.elementsEqual(name.utf8) {
      text += line.value.utf8.isEmpty ? "\(line.key)\n" : "\(line.key) \(line.value)\n"
    }
    let last = Array("\(name) \(entry.kernel)\n".utf8)
    if last.count > SystemdBootEntry.sectorBytes {
      throw .unwritable(path: path, key: name, value: entry.kernel)
    }
    head = SystemdBootEntry.padded(Array(text.utf8))
    kernel = SystemdBootEntry.padded(last)
  }

  /// Keys that name what is started. (The Boot Loader Specification)
  private static let kernelKeys = ["linux", "efi", "uki"]

  /// Where the sector begins that makes a text an entry, nil if there is none. Another program puts
  /// it anywhere.
  static func decisiveSector(of text: [UInt8]) -> Int? {
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let word = line.drop(while: isBlank).prefix { !isBlank($0) }
      if kernelKeys.contains(where: { word.elementsEqual($0.utf8) }) {
        return word.startIndex / sectorBytes * sectorBytes
      }
    }
    return nil
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  /// Filled with a comment up to whole sectors.
  private static func padded(_ text: [UInt8]) -> [UInt8] {
    let missing = (sectorBytes - text.count % sectorBytes) % sectorBytes
    if missing == 0 { return text }
    return text + [UInt8](repeating: UInt8(ascii: "#"), count: missing - 1) + [UInt8(ascii: "\n")]
  }
}

// The steps by which an entry comes and goes. Each is durable when it returns.
extension SystemdBoot {
  /// Writes entries that are not yet in force, and reads them back.
  func create(
    _ fresh: [(name: String, entry: SystemdBootEntry)], _ esp: borrowing FileDescriptor
  ) throws(BootError) {
    let folder = SystemdBoot.entriesFolder
    try at(entriesPath) { () throws(Errno) in try esp.makeDirectories(folder) }
    for (name, entry) in fresh {
      try at("\(entriesPath)/\(name)") { () throws(Errno) in
        let file = try esp.open("\(folder)/\(name)", [.writeOnly, .create, .exclusive, .noFollow])
        try file.write(entry.head + SystemdBootEntry.inert)
        try file.sync()
      }
    }
    try syncEntries(esp)
    try at(path) { () throws(Errno) in try esp.syncFileSystem() }
    for (name, entry) in fresh {
      try expect(entry.head + SystemdBootEntry.inert, in: name, esp)
    }
  }

  /// Brings one of them into force, by one sector.
  func complete(
    _ name: String, _ entry: SystemdBootEntry, _ esp: borrowing FileDescriptor
  ) throws(BootError) {
    try overwrite(entry.kernel, at: entry.head.count, of: name, esp)
    try expect(entry.head + entry.kernel, in: name, esp)
  }

  /// Removes entries, the last first. Each is out of force by one sector before its blocks are
  /// free for others, which a boot loader could take for it.
  func remove(_ names: [String], _ esp: borrowing FileDescriptor) throws(BootError) {
    if names.isEmpty { return }
    let folder = SystemdBoot.entriesFolder
    for name in names.reversed() {
      let text = try at("\(entriesPath)/\(name)") { () throws(Errno) in
        try esp.open("\(folder)/\(name)").readAll(limit: BootDirectory.textBytesMax)
      }
      guard let start = SystemdBootEntry.decisiveSector(of: text) else { continue }
      let inert = Array(SystemdBootEntry.inert.prefix(text.count - start))
      try overwrite(inert, at: start, of: name, esp)
    }
    for name in names.reversed() {
      try at("\(entriesPath)/\(name)") { () throws(Errno) in try esp.unlink("\(folder)/\(name)") }
    }
    try syncEntries(esp)
  }

  /// Within the file as it is.
  private func overwrite(
    _ sector: [UInt8], at start: Int, of name: String, _ esp: borrowing FileDescriptor
  ) throws(BootError) {
    try at("\(entriesPath)/\(name)") { () throws(Errno) in
      let file = try esp.open("\(SystemdBoot.entriesFolder)/\(name)", [.writeOnly, .noFollow])
      try file.write(sector.span, offset: Int64(start))
      try file.sync()
    }
  }

  private func syncEntries(_ esp: borrowing FileDescriptor) throws(BootError) {
    try at(entriesPath) { () throws(Errno) in
      try esp.open(SystemdBoot.entriesFolder, [.readOnly, .directory]).sync()
    }
  }

  private func expect(
    _ text: [UInt8], in name: String, _ esp: borrowing FileDescriptor
  ) throws(BootError) {
    let path = "\(entriesPath)/\(name)"
    let found = try at(path) { () throws(Errno) in
      let file = try esp.open("\(SystemdBoot.entriesFolder)/\(name)")
      file.dropCache()
      return try file.readAll(limit: BootDirectory.textBytesMax)
    }
    if found != text { throw .copyNotKept(path: path) }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Linux

/// Entries that are ready on the ESP, and those that they take the place of.
public struct SystemdBootChange {
  fileprivate let fresh: [(name: String, entry: SystemdBootEntry)]
  fileprivate let former: [String]
}

// The order of the deployments, as the ESP has it. It follows the set of entries in `/boot`: that
// says what is wanted, and what a power cut kept from being done here is done by the next run.
extension SystemdBoot {
  /// Whether what boots is what `wanted` says, in boot order. `isOnTrial`: whether position 0 is,
  /// so that it may be counted.
  public func isInStep(
    _ wanted: [BootEntryFile], isOnTrial: Bool
  ) throws(BootError) -> Bool {
    let esp = try open()
    return SystemdBoot.isInStep(try files(esp), wanted, isOnTrial: isOnTrial)
  }

  private static func isInStep(
    _ files: SystemdBootFiles, _ wanted: [BootEntryFile], isOnTrial: Bool
  ) -> Bool {
    guard files.inForce.count == wanted.count else { return false }
    return wanted.indices.allSatisfy { index in
      let found = files.inForce[index]
      let mayCount = index == 0 && isOnTrial
      return isSame(found.entry, wanted[index].entry) && (mayCount || found.name.counter == nil)
    }
  }

  /// Writes `wanted` beside what is in force; nil where that is as wanted already. What an
  /// interrupted run left is removed. Kernels must have been copied.
  ///
  /// `counter` is that of position 0, nil where it is not on trial; what the boot loader has
  /// counted of the same entry goes on.
  func prepare(
    _ wanted: [BootEntryFile], counter: BootCounter?
  ) throws(BootError) -> SystemdBootChange? {
    let esp = try open()
    let files = try files(esp)
    try remove(files.leftOver, esp)
    if SystemdBoot.isInStep(files, wanted, isOnTrial: counter != nil) { return nil }
    var fresh: [(name: String, entry: SystemdBootEntry)] = []
    for (index, file) in wanted.enumerated() {
      let number = files.numberMax + wanted.count - index
      var name = BootEntryName(version: number, stateroot: BootEntryName(file.name)?.stateroot)
      if index == 0, counter != nil {
        let same = files.inForce.first { SystemdBoot.isSame($0.entry, file.entry) }
        name.counter = same.map { $0.name.counter } ?? counter
      }
      let entry = SystemdBoot.entry(file.entry, number: number)
      let text = try SystemdBootEntry(entry, path: "\(entriesPath)/\(name.text)")
      fresh.append((name.text, text))
    }
    try create(fresh, esp)
    return SystemdBootChange(fresh: fresh, former: files.inForce.map { $0.fileName })
  }

  /// What was prepared comes into force, position 0 first: that is what changes what boots. Then
  /// what was there before goes. Durable when it returns; after a power cut the old position 0 or
  /// the new one boots.
  func publish(_ change: SystemdBootChange) throws(BootError) {
    let esp = try open()
    for (name, entry) in change.fresh { try complete(name, entry, esp) }
    try remove(change.former, esp)
  }

  // MARK: Entries

  /// As it stands on the ESP: with paths from the root of that, and sorted by number. The title
  /// has no position, so that entries of one boot order need not be told from those of another.
  static func entry(_ entry: BootEntry, number: Int) -> BootEntry {
    var result = entry
    result.title = withoutPosition(entry.title)
    result.version = "\(number)"
    result.kernel = "/\(place(of: entry.kernel))"
    result.initrds = entry.initrds.map { "/\(place(of: $0))" }
    result.deviceTree = entry.deviceTree.map { "/\(place(of: $0))" }
    // A directory of device trees is nothing that systemd-boot could choose from.
    result.others.removeAll { $0.key.utf8.elementsEqual("fdtdir".utf8) }
    return result
  }

  /// Whether `found` on the ESP is what `wanted` in `/boot` becomes there.
  private static func isSame(_ found: BootEntry, _ wanted: BootEntry) -> Bool {
    var expected = entry(wanted, number: 0)
    expected.version = found.version
    return found == expected
  }

  /// Of `Poky 2026.12 (ostree:0)` what comes before.
  private static func withoutPosition(_ title: String) -> String {
    let bytes = Array(title.utf8)
    let mark = Array(" (ostree:".utf8)
    guard bytes.count > mark.count else { return title }
    let start = (0...bytes.count - mark.count).last { bytes[$0...].starts(with: mark) }
    return start.map { String(decoding: bytes[..<$0], as: UTF8.self) } ?? title
  }

  /// Where a file that an entry names lies, relative to `/boot` and to the ESP.
  static func place(of path: String) -> String {
    var bytes = path.utf8[...]
    if bytes.starts(with: "/boot/".utf8) { bytes = bytes.dropFirst(5) }
    return String(bytes.drop { $0 == UInt8(ascii: "/") }) ?? path
  }

  /// All files that an entry names, as `place`.
  static func places(in entry: BootEntry) -> [String] {
    ([entry.kernel] + entry.initrds + (entry.deviceTree.map { [$0] } ?? [])).map(place)
  }
}

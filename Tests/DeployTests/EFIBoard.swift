// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Support
import Testing

@testable import Boot
@testable import Deploy

/// A sysroot whose boot loader is systemd-boot, with its ESP in a folder. `start` does what
/// systemd-boot 252 does from reset to login, by names and texts on the ESP alone.
final class EFIBoard: CountingBoard {
  let sysroot: TestSysroot
  var esp: String { "\(sysroot.path)/efi" }
  var entries: String { "\(esp)/loader/entries" }

  /// Version 1 runs and is proven.
  init() throws {
    sysroot = try TestSysroot()
    try sysroot.folder.write("default ostree-*\n", to: "sysroot/efi/loader/loader.conf")
    sysroot.environment.commandLine = try sysroot.folder.write("quiet\n", to: "cmdline")
    sysroot.environment.efi = EFISystem(
      variables: sysroot.folder.file("efivars"), partitions: sysroot.folder.file("by-partuuid"))
    try deploy(TestSysroot.one)
    try start()
    try markGood()
  }

  /// What a deploy that is cut between the links and the entries leaves.
  func deployLinks(_ hex: String) throws {
    let opened = try Sysroot.open(
      sysroot.path, environment: sysroot.environment, loader: .entries)
    var options = DeployOptions()
    options.cleansUp = false
    let commit = try #require(Checksum(hex: hex))
    let report = try opened.deploy(
      commit, origin: Origin(refspec: TestSysroot.ref), options, try opened.lock())
    var record = try opened.trialRecord()
    record.begin(report.deployment, boots: 3)
    try opened.write(record)
  }

  /// As firmware keeps it: attributes, and UTF-16 with a zero behind it.
  func setVariable(_ name: String, _ text: String) throws {
    var bytes: [UInt8] = [6, 0, 0, 0]
    for unit in Array(text.utf16) + [0] {
      bytes += [UInt8(unit & 0xFF), UInt8(unit >> 8)]
    }
    try sysroot.folder.write(bytes, to: "efivars/\(name)-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f")
  }

  // MARK: systemd-boot

  /// One that systemd-boot would list.
  struct Entry {
    let file: String
    /// Without counter and suffix.
    let id: String
    let left: Int?
    let done: Int
    let values: [String: String]
  }

  /// In the order in which systemd-boot 252 sorts entries without a `sort-key`
  /// (src/boot/efi/boot.c, config_entry_compare): bad ones last, then by name, the highest first.
  func menu() throws -> [Entry] {
    let files = try FileManager.default.contentsOfDirectory(atPath: entries)
    return try files.filter { $0.hasSuffix(".conf") }.compactMap(entry).sorted { one, other in
      if (one.left == 0) != (other.left == 0) { return other.left == 0 }
      let order = VersionOrder.compare(one.id, other.id)
      return order == 0 ? (one.left ?? -1) > (other.left ?? -1) : order > 0
    }
  }

  private func entry(_ file: String) throws -> Entry? {
    let text = try String(contentsOfFile: "\(entries)/\(file)", encoding: .utf8)
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ", maxSplits: 1)
      values[String(words[0])] = words.count > 1 ? String(words[1]) : ""
    }
    // One without a kernel, or whose kernel is not there, is passed over.
    guard let kernel = values["linux"], isOnESP(kernel) else { return nil }
    let name = file.dropLast(".conf".count)
    let parts = name.split(separator: "+", maxSplits: 1)
    let counts = parts.count > 1 ? parts[1].split(separator: "-").compactMap { Int($0) } : []
    return Entry(
      file: file, id: String(parts[0]), left: counts.first, done: counts.count > 1 ? counts[1] : 0,
      values: values)
  }

  private func isOnESP(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(esp)/\(path)")
  }

  /// Takes one off where it counts, and starts; gives the commit that runs then.
  @discardableResult
  func start() throws -> String {
    let entry = try #require(try menu().first)
    if let left = entry.left, left > 0 {
      try FileManager.default.moveItem(
        atPath: "\(entries)/\(entry.file)",
        toPath: "\(entries)/\(entry.id)+\(left - 1)-\(entry.done + 1).conf")
    }
    let options = try #require(entry.values["options"])
    let argument = try #require(
      options.split(separator: " ").first { $0.hasPrefix("ostree=") }?.dropFirst("ostree=".count))
    let tree = try mustRun("readlink", "-e", "\(sysroot.path)\(argument)")
    for key in ["linux", "initrd"] {
      let copy = try #require(entry.values[key])
      let source = key == "linux" ? "vmlinuz" : "initramfs.img"
      try mustRun(
        "sh", "-c", "cmp \"$0\" \"$1\"/usr/lib/modules/*/$2", "\(esp)\(copy)", tree, source)
    }
    sysroot.environment.root = tree
    return try booted()
  }

  /// Starts until another one runs than the first; gives the commits that ran.
  func startUntilFallback() throws -> [String] {
    var ran = [try start()]
    while ran.count < 20, ran.last == ran.first { ran.append(try start()) }
    return ran
  }

  // MARK: What is there

  /// Names of entry files, whatever is in them.
  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: entries).sorted()
  }

  func kernels() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(esp)/ostree").sorted()
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Boot

/// An ESP in a folder.
private struct ESP {
  let folder: TemporaryDirectory
  var boot: SystemdBoot { SystemdBoot(folder.path) }

  init() throws { folder = try TemporaryDirectory("esp") }

  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.file("loader/entries")).sorted()
  }

  /// Makes these what boots, in this order.
  func write(_ kernels: [String], counter: BootCounter? = nil) throws {
    let files = kernels.map { BootEntryFile(name: "ostree-1-os.conf", entry: entry($0)) }
    if let change = try boot.prepare(files, counter: counter) { try boot.publish(change) }
  }

  func isInStep(_ kernels: [String], isOnTrial: Bool = false) throws -> Bool {
    let files = kernels.map { BootEntryFile(name: "ostree-1-os.conf", entry: entry($0)) }
    return try boot.isInStep(files, isOnTrial: isOnTrial)
  }

  func entry(_ kernel: String) -> BootEntry {
    var entry = BootEntry()
    entry.title = "OS 1.0 (ostree:os:0)"
    entry.options = "root=LABEL=root \(String(repeating: "x", count: 700))"
    entry.kernel = "/boot/ostree/os-1/\(kernel)"
    entry.initrds = ["/boot/ostree/os-1/initramfs"]
    entry.others = [BootEntry.Line("fdtdir", "/boot/ostree/os-1/dtb")]
    return entry
  }
}

@Suite struct SystemdBootTests {
  @Test func `an entry is whole sectors, the last of which makes it one`() throws {
    let esp = try ESP()
    try esp.write(["a"])
    #expect(try esp.names() == ["ostree-1-os.conf"])
    let text = try esp.folder.read("loader/entries/ostree-1-os.conf")
    #expect(text.count == 3 * 512)
    let last = String(decoding: text[1024...], as: UTF8.self)
    #expect(last.hasPrefix("linux /ostree/os-1/a\n#") && last.hasSuffix("#\n"))
    let head = String(decoding: text[..<1024], as: UTF8.self)
    #expect(head.hasPrefix("title OS 1.0\nversion 1\noptions root=LABEL=root xxx"))
    #expect(head.contains("\ninitrd /ostree/os-1/initramfs\n#"))
    #expect(!head.contains("linux") && !head.contains("fdtdir"))
  }

  @Test func `the room that kernels take is counted as deep as their files lie`() throws {
    let esp = try ESP()
    let name = "os-" + String(repeating: "a", count: 64)
    try esp.folder.write([UInt8](repeating: 1, count: 100_000), to: "ostree/\(name)/dtb/a/b.dtb")
    let without = try esp.boot.kernelFolders().map { $0.bytes }
    #expect(without[0] > 100_000 && without[0] < 200_000)
    let deep = String(repeating: "x/", count: 60)
    try esp.folder.write(
      [UInt8](repeating: 1, count: 1_000_000), to: "ostree/\(name)/\(deep)file")
    let with = try esp.boot.kernelFolders().map { $0.bytes }
    #expect(with[0] >= without[0] && with[0] < 1_000_000)
  }

  @Test func `a new order has higher numbers, and nothing stays of the old one`() throws {
    let esp = try ESP()
    try esp.write(["a"])
    try esp.write(["b", "a"], counter: BootCounter(left: 3))
    #expect(try esp.names() == ["ostree-2-os.conf", "ostree-3-os+3.conf"])
    #expect(try esp.boot.trialCount() == .counting(left: 3, max: 3))
    #expect(try esp.isInStep(["b", "a"], isOnTrial: true))
    #expect(try !esp.isInStep(["b", "a"]))
    #expect(try !esp.isInStep(["a", "b"], isOnTrial: true))
    try esp.write(["b", "a"], counter: BootCounter(left: 9))
    #expect(try esp.names() == ["ostree-2-os.conf", "ostree-3-os+3.conf"], "in step")
    try esp.boot.clear()
    #expect(try esp.names() == ["ostree-2-os.conf", "ostree-3-os.conf"])
    #expect(try esp.boot.trialCount() == .idle)
    try esp.write([])
    #expect(try esp.names() == [])
  }

  @Test func `what the boot loader has counted goes on in a new order`() throws {
    let esp = try ESP()
    try esp.write(["b", "a"], counter: BootCounter(left: 3))
    let entries = esp.folder.file("loader/entries")
    try FileManager.default.moveItem(
      atPath: "\(entries)/ostree-2-os+3.conf", toPath: "\(entries)/ostree-2-os+1-2.conf")
    #expect(try esp.boot.trialCount() == .counting(left: 1, max: 3))
    try esp.write(["b", "a", "c"], counter: BootCounter(left: 3))
    #expect(try esp.names().last == "ostree-5-os+1-2.conf")
  }

  @Test func `what a cut has left goes, and what others have written stays`() throws {
    let esp = try ESP()
    try esp.write(["a"])
    let whole = try esp.folder.read("loader/entries/ostree-1-os.conf")
    try esp.folder.write(
      Array(whole.dropLast(512)) + SystemdBootEntry.inert, to: "loader/entries/ostree-2-os.conf")
    try esp.folder.write("", to: "loader/entries/ostree-3-os+3.conf")
    try esp.folder.write(whole, to: "loader/entries/ostree-1-os+2-1.conf")
    try esp.folder.write("linux /other\n", to: "loader/entries/other.conf")
    #expect(try esp.isInStep(["a"]))
    #expect(try esp.boot.trialCount() == .idle)
    try esp.write(["a"])
    #expect(try esp.names() == ["ostree-1-os.conf", "other.conf"])
    try esp.write(["b"])
    #expect(try esp.names() == ["ostree-2-os.conf", "other.conf"])
  }

  /// Freed blocks may come up again under the name of a newer entry: what lies there then must not
  /// start anything.
  @Test(arguments: [
    "title By hand\nlinux /linux\noptions x\n",
    "title By hand\noptions \(String(repeating: "x", count: 600))\n\tefi\t/os.efi",
    "options \(String(repeating: "x", count: 1022 - 8))\nlinux /linux\ninitrd /initrd\n",
  ])
  func `an entry by another program is out of force before it goes`(_ text: String) throws {
    let esp = try ESP()
    let path = try esp.folder.write(text, to: "loader/entries/ostree-1-os.conf")
    let open = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    try esp.write(["a"])
    #expect(try esp.names() == ["ostree-2-os.conf"])
    let left = [UInt8](try open.readToEnd() ?? Data())
    #expect(left.count == text.utf8.count)
    #expect(SystemdBootEntry.decisiveSector(of: Array(text.utf8)) != nil)
    #expect(SystemdBootEntry.decisiveSector(of: left) == nil)
  }

  @Test func `a kernel whose path fills more than a sector is refused, and nothing changes`() throws
  {
    let esp = try ESP()
    try esp.write(["a"])
    let long = String(repeating: "k", count: 500)
    let files = [BootEntryFile(name: "ostree-1-os.conf", entry: esp.entry(long))]
    let boot = esp.boot
    let result = Result { () throws(BootError) in try boot.prepare(files, counter: nil) == nil }
    let path = "\(esp.folder.path)/loader/entries/ostree-2-os.conf"
    #expect(
      result
        == .failure(.unwritable(path: path, key: "linux", value: "/ostree/os-1/\(long)")))
    #expect(try esp.isInStep(["a"]))
  }
}

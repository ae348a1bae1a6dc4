// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Boot

/// A `/boot` in a temporary directory.
private struct Board {
  let root: TemporaryDirectory
  var boot: String { root.file("boot") }

  init() throws {
    root = try TemporaryDirectory("board")
    try root.makeDirectory("boot")
  }

  func open() throws -> BootDirectory {
    try BootDirectory(boot, sysroot: try FileDescriptor.openDirectory(root.path))
  }

  func target(_ name: String) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "\(boot)/\(name)")
  }

  func link(_ name: String, to target: String) throws {
    try? FileManager.default.removeItem(atPath: "\(boot)/\(name)")
    try FileManager.default.createSymbolicLink(
      atPath: "\(boot)/\(name)", withDestinationPath: target)
  }

  func write(_ name: String, _ text: String) throws {
    try root.write(text, to: "boot/\(name)")
  }
}

private func file(_ version: Int) -> BootEntryFile {
  var entry = BootEntry()
  entry.title = "OS"
  entry.version = "\(version)"
  entry.kernel = "/ostree/os-\(version)/vmlinuz"
  entry.options = "ostree=/ostree/boot.0/os/\(version)/0"
  return BootEntryFile(name: "ostree-\(version)-os.conf", entry: entry)
}

@Suite struct BootDirectoryTests {
  @Test func `a first set is created, later ones are exchanged`() throws {
    let board = try Board()
    let boot = try board.open()
    #expect(try boot.links() == BootLinks(current: nil, next: nil))

    try boot.write([file(1)], uEnvironment: nil, as: .one)
    #expect(try boot.commit(.one).step == .created)
    #expect(board.target("loader") == "loader.1")
    #expect(board.target("loader.next") == "loader.0")
    #expect(board.target("boot") == ".")
    #expect(try boot.entries(of: .one) == [file(1)])

    try boot.write([file(2), file(1)], uEnvironment: "a=1\n", as: .zero)
    #expect(try boot.commit(.zero).step == .exchanged)
    #expect(try boot.links() == BootLinks(current: .zero, next: .one))
    #expect(try boot.entries(of: .zero) == [file(2), file(1)])
    #expect(try boot.uEnvironment(of: .zero) == "a=1\n")
    #expect(try boot.uEnvironment(of: .one) == nil)
    #expect(board.target("loader.tmp") == nil)
  }

  @Test func `the exchange keeps both inodes`() throws {
    let board = try Board()
    let boot = try board.open()
    try boot.write([file(1)], uEnvironment: nil, as: .one)
    _ = try boot.commit(.one)
    let (before, next) = (
      try boot.directory.status(of: "loader").inode,
      try boot.directory.status(of: "loader.next").inode
    )
    try boot.write([file(1)], uEnvironment: nil, as: .zero)
    _ = try boot.commit(.zero)
    #expect(try boot.directory.status(of: "loader").inode == next)
    #expect(try boot.directory.status(of: "loader.next").inode == before)
  }

  /// libostree renames `loader.tmp` over `loader`, so that `loader.next` is missing or stale, and
  /// may be interrupted with `loader.tmp` in place.
  @Test(arguments: [nil, "loader.1", "loader.0", "elsewhere"] as [String?])
  func `what libostree leaves is put right`(next: String?) throws {
    let board = try Board()
    try board.link("loader", to: "loader.1")
    if let next { try board.link("loader.next", to: next) }
    try board.link("loader.tmp", to: "loader.0")
    let boot = try board.open()
    try boot.write([file(1)], uEnvironment: nil, as: .zero)
    #expect(try boot.commit(.zero).step == .exchanged)
    #expect(board.target("loader") == "loader.0")
    #expect(board.target("loader.next") == "loader.1")
    #expect(board.target("loader.tmp") == nil)
  }

  @Test func `a loader of another system is refused`() throws {
    let board = try Board()
    try board.link("loader", to: "/etc")
    let boot = try board.open()
    let strange = Result { () throws(BootError) in try boot.links() }
    #expect(strange == .failure(.strangeLink(path: "\(board.boot)/loader", target: "/etc")))
    try FileManager.default.removeItem(atPath: "\(board.boot)/loader")
    try board.write("loader/entries/linux.conf", "linux /v\n")
    let directory = Result { () throws(BootError) in try boot.links() }
    #expect(directory == .failure(.notALink(path: "\(board.boot)/loader")))
  }

  @Test func `entries of others are carried over, ours are replaced`() throws {
    let board = try Board()
    try board.link("loader", to: "loader.0")
    try board.write("loader.0/entries/memtest.conf", "linux /memtest\n")
    try board.write("loader.0/entries/ostree-9-os.conf", "linux /old\nversion 9\n")
    try board.write("loader.1/entries/ostree-8-os.conf", "linux /older\nversion 8\n")
    let boot = try board.open()
    try boot.write([file(1)], uEnvironment: nil, as: .one)
    let names = try FileManager.default.contentsOfDirectory(
      atPath: "\(board.boot)/loader.1/entries")
    #expect(names.sorted() == ["memtest.conf", "ostree-1-os.conf"])
  }

  @Test func `entries are sorted by version and counters read from their names`() throws {
    let board = try Board()
    try board.write("loader.0/entries/ostree-10+2-1.conf", "linux /b\nversion 10\n")
    try board.write("loader.0/entries/ostree-9-os.conf", "linux /a\nversion 9\n")
    let entries = try board.open().entries(of: .zero)
    #expect(entries.map { $0.entry.version } == ["10", "9"])
    #expect(entries[0].counter == BootCounter(left: 2, done: 1))
    #expect(entries[1].counter == nil)
  }

  @Test func `a damaged entry is refused with its path`() throws {
    let board = try Board()
    try board.write("loader.0/entries/ostree-1.conf", "title x\n")
    let boot = try board.open()
    let result = Result { () throws(BootError) in try boot.entries(of: .zero) }
    #expect(
      result
        == .failure(
          .missingKey(path: "\(board.boot)/loader.0/entries/ostree-1.conf", key: "linux")))
  }

  @Test func `file systems that are not known to exchange get a rename`() {
    #expect(BootLinks.canExchange(FileSystemKind.ext4))
    #expect(BootLinks.canExchange(FileSystemKind.ubifs))
    #expect(!BootLinks.canExchange(FileSystemKind.fat))
  }
}

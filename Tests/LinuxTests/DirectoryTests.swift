// SPDX-License-Identifier: Apache-2.0
import Linux
import Support
import Testing

@Suite struct DirectoryTests {
  let folder: TemporaryDirectory
  init() throws { folder = try TemporaryDirectory("directory") }

  private func open() throws -> FileDescriptor { try FileDescriptor.openDirectory(folder.path) }

  @Test func `folders are made with all that lead to them, and again without complaint`() throws {
    let directory = try open()
    try directory.makeDirectories("a/b/c")
    try directory.makeDirectories("a/b/c")
    #expect(try directory.status(of: "a/b/c").type == .directory)
  }

  @Test func `a tree is removed with links in it and not what they point at`() throws {
    let directory = try open()
    try directory.makeDirectories("keep")
    try directory.replaceFile("kept", with: [1])
    try directory.makeDirectories("tree/deep/er")
    try directory.symbolicLink("tree/deep/link", to: "../../keep")
    try directory.open("tree/deep").link("er", to: "x", expecting: .notPermitted)
    try directory.removeTree("tree")
    #expect(try !directory.contains("tree"))
    #expect(try directory.contains("keep"))
    try directory.removeTree("tree")
  }

  @Test func `an immutable folder is removed when that is asked for`() throws {
    let directory = try open()
    try directory.makeDirectories("deployment/usr")
    do { try directory.openDirectory("deployment").setImmutable(true) } catch { return }
    #expect(try directory.openDirectory("deployment").isImmutable())
    let kept = Result { () throws(Errno) in try directory.removeTree("deployment") }
    #expect(throws: Errno.notPermitted) { try kept.get() }
    try directory.removeTree("deployment", clearingImmutable: true)
    #expect(try !directory.contains("deployment"))
  }

  @Test func `two names are exchanged in one step`() throws {
    let directory = try open()
    try directory.symbolicLink("loader", to: "loader.0")
    try directory.symbolicLink("loader.next", to: "loader.1")
    try directory.exchange("loader", with: "loader.next")
    #expect(try directory.symbolicLinkTarget(of: "loader") == "loader.1")
    #expect(try directory.symbolicLinkTarget(of: "loader.next") == "loader.0")
  }

  @Test func `a rename that may not replace leaves both files`() throws {
    let directory = try open()
    try directory.replaceFile("a", with: [1])
    try directory.replaceFile("b", with: [2])
    let result = Result { () throws(Errno) in
      try directory.rename("a", into: directory, as: "b", replacing: false)
    }
    #expect(throws: Errno.exists) { try result.get() }
    #expect(try directory.open("b").readAll(limit: 10) == [2])
  }

  @Test func `a file is replaced whole, with its mode, and leaves nothing beside it`() throws {
    let directory = try open()
    try directory.replaceFile("state", with: Array("one".utf8), mode: 0o600)
    try directory.replaceFile("state", with: Array("two".utf8), mode: 0o600)
    #expect(try directory.open("state").readAll(limit: 10) == Array("two".utf8))
    #expect(try directory.status(of: "state").permissions == 0o600)
    #expect(try directory.entries().map { $0.name } == ["state"])
  }

  @Test func `what an interrupted replacement left behind is no obstacle`() throws {
    let directory = try open()
    try directory.open(".state.new", [.writeOnly, .create]).write("half")
    try directory.replaceFile("state", with: Array("whole".utf8))
    #expect(try directory.entries().map { $0.name } == ["state"])
  }

  @Test func `a path beneath a folder does not leave it, by dots or by links`() throws {
    let directory = try open()
    try directory.makeDirectories("inside")
    try directory.replaceFile("outside", with: [1])
    try directory.symbolicLink("inside/link", to: "../outside")
    let inside = try directory.openDirectory("inside")
    for path in ["../outside", "link", "/etc/hostname"] {
      let result = Result { () throws(Errno) in _ = try inside.openBeneath(path) }
      #expect(throws: Errno.self) { try result.get() }
    }
  }

  @Test func `reading a file of more than the limit is an error, not a large allocation`() throws {
    let directory = try open()
    try directory.open("big", [.writeOnly, .create]).truncate(to: 1 << 40)
    let result = Result { () throws(Errno) in try directory.open("big").readAll(limit: 1000) }
    #expect(throws: Errno.overflow) { try result.get() }
    #expect(try directory.open("/proc/self/status").readAll(limit: 1 << 20).count > 100)
  }

  @Test func `extended attributes are written and read, on files and on links`() throws {
    let directory = try open()
    let name = Array("user.test".utf8)
    let file = try directory.open("file", [.readWrite, .create])
    try file.setExtendedAttribute(name, [0, 255])
    #expect(try file.extendedAttributeNames() == [name])
    #expect(try file.extendedAttribute(name) == [0, 255])
    #expect(try directory.extendedAttribute(name, of: "file") == [0, 255])
    #expect(try file.extendedAttribute(Array("user.none".utf8)) == nil)
    try file.removeExtendedAttribute(name)
    #expect(try file.extendedAttributeNames().isEmpty)
  }
}

extension FileDescriptor {
  /// A hard link that must fail.
  fileprivate borrowing func link(_ path: String, to other: String, expecting errno: Errno) throws {
    let raw = try duplicate()
    let result = Result { () throws(Errno) in try raw.link(path, into: raw, as: other) }
    #expect(throws: errno) { try result.get() }
  }
}

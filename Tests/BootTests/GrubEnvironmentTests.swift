// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Boot

/// A `grubenv` that the real `grub-editenv` made, and judges.
private struct Grubenv {
  let folder: TemporaryDirectory
  var path: String { folder.file("grubenv") }
  var environment: GrubEnvironment { GrubEnvironment(path) }

  init(_ variables: String...) throws {
    folder = try TemporaryDirectory("grubenv")
    try mustRun("grub-editenv", path, "create")
    for variable in variables { try set(variable) }
  }

  func set(_ variable: String) throws { try mustRun("grub-editenv", path, "set", variable) }

  func unset(_ name: String) throws { try mustRun("grub-editenv", path, "unset", name) }

  /// As GRUB sees it.
  func list() throws -> [String] {
    try mustRun("grub-editenv", path, "list").split(separator: "\n").map(String.init)
  }

  func bytes() throws -> [UInt8] { try folder.read("grubenv") }

  func arm(_ boots: Int = 3) -> Result<Void, BootError> {
    Result { () throws(BootError) in try environment.arm(boots: boots) }
  }
}

extension Result where Success == Void {
  fileprivate var failure: Failure? {
    guard case .failure(let error) = self else { return nil }
    return error
  }
}

@Suite struct GrubEnvironmentTests {
  @Test func `what is armed grub-editenv reads, and the other way round`() throws {
    let grubenv = try Grubenv("saved_entry=a")
    #expect(try grubenv.environment.trialCount() == .idle)
    try grubenv.environment.arm(boots: 3)
    #expect(try grubenv.list() == ["boot_counter=3", "boot_success=0", "saved_entry=a"])
    #expect(try grubenv.environment.trialCount() == .counting(left: 3, max: nil))
    // As GRUB counts, by a value of the same length and by a longer one.
    for (text, count) in [
      ("2", TrialCount.counting(left: 2, max: nil)), ("0", .counting(left: 0, max: nil)),
      ("-1", .fellBack),
    ] {
      try grubenv.set("boot_counter=\(text)")
      #expect(try grubenv.environment.trialCount() == count)
    }
    try grubenv.environment.clear()
    #expect(try grubenv.list() == ["boot_success=1", "saved_entry=a"])
    #expect(try grubenv.environment.trialCount() == .idle)
  }

  @Test func `a boot that greenboot declared good is not counted`() throws {
    let grubenv = try Grubenv("boot_counter=2", "boot_success=1")
    #expect(try grubenv.environment.trialCount() == .idle)
  }

  @Test func `values with line breaks and backslashes of others stay as they are`() throws {
    let grubenv = try Grubenv("first=one\\two", "menu=a\nb=c", "last=3")
    let before = try grubenv.list()
    try grubenv.environment.arm(boots: 1)
    #expect(try grubenv.list() == ["boot_counter=1", "boot_success=0"] + before)
    try grubenv.environment.clear()
    #expect(try grubenv.list() == ["boot_success=1"] + before)
  }

  @Test func `only one sector changes, and the size never does`() throws {
    // More than a sector in all, behind the place where ours stand.
    let grubenv = try Grubenv("boot_counter=1", "boot_success=1", "saved_entry=a")
    for number in 1...9 {
      try grubenv.set("v\(number)=\(String(repeating: "\(number)", count: 60))")
    }
    let before = try grubenv.bytes()
    try grubenv.environment.arm(boots: 3)
    let after = try grubenv.bytes()
    #expect(after.count == 1024)
    #expect(after[..<512] != before[..<512])
    #expect(after[512...] == before[512...])
  }

  @Test func `a change of both sectors is refused before anything is written`() throws {
    let grubenv = try Grubenv()
    for number in 1...9 {
      try grubenv.set("v\(number)=\(String(repeating: "\(number)", count: 60))")
    }
    let before = try grubenv.bytes()
    #expect(grubenv.arm().failure == .environmentFull(path: grubenv.path))
    #expect(try grubenv.bytes() == before)
  }

  @Test func `a trial ends also where the counter cannot be taken out`() throws {
    let grubenv = try Grubenv("boot_counter=2", "boot_success=0")
    for number in 1...9 {
      try grubenv.set("v\(number)=\(String(repeating: "\(number)", count: 60))")
    }
    let before = try grubenv.bytes()
    try grubenv.environment.clear()
    #expect(try grubenv.environment.trialCount() == .idle)
    #expect(try grubenv.bytes()[512...] == before[512...])
    #expect(try grubenv.list().contains("boot_success=1"))
  }

  @Test func `nothing is written where nothing changes`() throws {
    let grubenv = try Grubenv("saved_entry=a")
    let before = try FileDescriptor.status(of: grubenv.path)
    try grubenv.environment.clear()
    let after = try FileDescriptor.status(of: grubenv.path)
    #expect(after.modifiedNanoseconds == before.modifiedNanoseconds)
    #expect(after.inode == before.inode)
  }

  @Test func `the file is overwritten and never replaced`() throws {
    let grubenv = try Grubenv()
    let before = try FileDescriptor.status(of: grubenv.path).inode
    try grubenv.environment.arm(boots: 3)
    #expect(try FileDescriptor.status(of: grubenv.path).inode == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: grubenv.folder.path).count == 1)
  }

  @Test(arguments: ["", "# GRUB Environment Block\n", "x"])
  func `what is no environment block is refused`(text: String) throws {
    let folder = try TemporaryDirectory("grubenv")
    let path = try folder.write(text, to: "grubenv")
    let environment = GrubEnvironment(path)
    let result = Result { () throws(BootError) in try environment.trialCount() }
    #expect(result == .failure(.environmentDamaged(path: path)))
  }

  @Test func `damage behind the variables is refused as GRUB refuses it`() throws {
    let grubenv = try Grubenv("a=b")
    var bytes = try grubenv.bytes()
    bytes[1000] = UInt8(ascii: "x")
    try grubenv.folder.write(bytes, to: "grubenv")
    #expect(grubenv.arm().failure == .environmentDamaged(path: grubenv.path))
    #expect(try grubenv.bytes() == bytes)
  }

  @Test func `a file with a hole is refused: GRUB would write into nothing`() throws {
    let folder = try TemporaryDirectory("grubenv")
    let path = folder.file("grubenv")
    try mustRun("truncate", "-s", "1024", path)
    let result = Result { () throws(BootError) in try GrubEnvironment(path).arm(boots: 1) }
    guard case .failure(.unfitEnvironmentFile(path, _)) = result else {
      Issue.record("\(result)")
      return
    }
  }

  @Test func `a file that is not there is named`() {
    let result = Result { () throws(BootError) in try GrubEnvironment("/nowhere").trialCount() }
    #expect(result == .failure(.file(path: "/nowhere", .notFound)))
  }

  @Test func `the entries for GRUB keep every character`() throws {
    var entry = BootEntry()
    entry.title = "It's Poky"
    entry.kernel = "/ostree/poky-1/vmlinuz"
    entry.initrds = ["/ostree/poky-1/initramfs.img", "/ostree/overlay.img"]
    entry.options = "root=LABEL=a;b $x \"q\" {c} <d> a|b & 'e'"
    #expect(
      GrubEntries.text(for: [entry]) == """
        # Written by coppice together with the entries beside it.
        set coppice_entries=1
        set t0='It'\\''s Poky'
        set l0='/ostree/poky-1/vmlinuz'
        set o0='root=LABEL=a;b $x "q" {c} <d> a|b & '\\''e'\\'''
        set i0='/ostree/poky-1/initramfs.img /ostree/overlay.img'
        set d0=''

        """)
    // GRUB's shell and ours agree on quotes.
    let script = GrubEntries.text(for: [entry]).replacingOccurrences(of: "set ", with: "")
    #expect(try mustRun("sh", "-c", "\(script)\nprintf %s \"$o0\"") == entry.options)
  }
}

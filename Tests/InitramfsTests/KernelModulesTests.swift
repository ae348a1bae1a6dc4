// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Initramfs

@Suite struct KernelModulesTests {
  @Test func `the list has files, parameters and remarks`() {
    let text = """
      # what the disk needs
      virtio_pci.ko

        sub/usb-storage.ko.xz  quirks=1:2:u  delay_use=1\r
      ext4.ko.gz
      """
    let entries = KernelModules.parse(Array(text.utf8))
    #expect(entries.map(\.file) == ["virtio_pci.ko", "sub/usb-storage.ko.xz", "ext4.ko.gz"])
    #expect(entries.map(\.parameters) == ["", "quirks=1:2:u delay_use=1", ""])
    #expect(entries.map(\.module) == ["virtio_pci", "usb_storage", "ext4"])
  }

  @Test func `without a list there are no modules`() throws {
    let folder = try TemporaryDirectory("modules")
    #expect(try KernelModules(folder.path) == nil)
    #expect(try KernelModules(folder.file("none")) == nil)
    try folder.makeDirectory("list")
    let result = Result { () throws(InitramfsError) in try KernelModules(folder.path)?.entries }
    #expect(result == .failure(.file(path: folder.file("list"), .isDirectory)))
  }

  @Test func `what cannot be loaded is told, and the next one is tried`() throws {
    let folder = try TemporaryDirectory("modules")
    try folder.write("none.ko\nmodule.zst\nbad.ko.xz\nbad.ko.gz\nbad.ko\n", to: "list")
    for name in ["module.zst", "bad.ko.xz", "bad.ko.gz", "bad.ko"] {
      try folder.write("this is no module", to: name)
    }
    var failures: [InitramfsError] = []
    let modules = try #require(try KernelModules(folder.path))
    modules.load(KernelCommandLine(parsing: "")) { failures.append($0) }
    #expect(failures.count == 5)
    #expect(failures.first == .file(path: folder.file("none.ko"), .notFound))
    #expect(failures.dropFirst().first == .strangeModule(path: folder.file("module.zst")))
    #expect(failures.dropFirst(2).first == .damagedModule(path: folder.file("bad.ko.xz")))
    #expect(failures.dropFirst(3).first == .damagedModule(path: folder.file("bad.ko.gz")))
    guard case .moduleRefused(folder.file("bad.ko"), _) = failures.last else {
      Issue.record("\(String(describing: failures.last))")
      return
    }
  }
}

@Suite struct RootFileSystemTests {
  static let flags: [(String, Mount.Options, String)] = [
    ("", [], ""), ("data=journal", [], "data=journal"),
    (
      "noatime,data=ordered,nodev,barrier=1", [.noAccessTime, .noDevices], "data=ordered,barrier=1"
    ),
    ("defaults,rw,subvol=@,nodiratime,nosuid", [.noDirectoryAccessTime, .noSetUserID], "subvol=@"),
  ]

  @Test(arguments: flags)
  func `options of the mount are not given to the file system`(
    _ text: String, _ options: Mount.Options, _ rest: String
  ) {
    let (found, data) = RootFileSystem.split(text)
    #expect(found == options)
    #expect(data == rest)
  }
}

@Suite struct SwitchRootTests {
  /// What is in the system's root, `init=`, and what is started.
  static let cases: [(String, String?, Result<String, InitramfsError>)] = [
    ("mkdir sbin; : >sbin/init; chmod 755 sbin/init", nil, .success("/sbin/init")),
    (
      """
      mkdir -p usr/bin; ln -s usr/bin sbin; ln -s /usr/bin/system usr/bin/init
      cp /bin/true usr/bin/system
      """,
      nil, .success("/sbin/init")
    ),
    ("mkdir bin sbin; cp /bin/true bin/init; mkdir sbin/init", nil, .success("/bin/init")),
    (
      "mkdir bin; cp /bin/true bin/sh", nil,
      .failure(.noProgram(["/sbin/init", "/etc/init", "/bin/init"], .notFound))
    ),
    (
      "mkdir sbin; cp /bin/true sbin/init", "/bin/other",
      .failure(.noProgram(["/bin/other"], .notFound))
    ),
    ("mkdir bin; : >bin/other", "/bin/other", .failure(.noProgram(["/bin/other"], .accessDenied))),
    (
      "mkdir bin; ln -s /bin/sh bin/loop; ln -s loop bin/sh", "/bin/sh",
      .failure(.noProgram(["/bin/sh"], .tooManySymbolicLinks))
    ),
  ]

  @Test(arguments: cases)
  func `init is looked for inside of the system alone`(
    _ script: String, _ program: String?, _ expected: Result<String, InitramfsError>
  ) throws {
    let folder = try TemporaryDirectory("system")
    try mustRun("sh", "-ec", script, in: folder.path)
    let found = Result { () throws(InitramfsError) in
      try SwitchRoot(root: folder.path, program: program).find()
    }
    #expect(found == expected)
  }
}

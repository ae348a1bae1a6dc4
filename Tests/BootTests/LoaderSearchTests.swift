// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Boot

/// A `/boot` in a temporary directory, and what the board's `/etc` says.
private struct Board {
  let root: TemporaryDirectory
  var boot: String { root.file("boot") }
  var fwEnvConfig: String { root.file("fw_env.config") }

  init() throws {
    root = try TemporaryDirectory("board")
    try root.makeDirectory("boot")
  }

  func write(_ name: String, _ text: String = "") throws {
    try root.write(text, to: "boot/\(name)")
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: "\(boot)/\(name)", withDestinationPath: target)
  }

  func find(
    _ wish: LoaderWish? = nil, setting: String? = nil, isRunning: Bool = true
  ) throws -> Result<FoundLoader, BootError> {
    let directory = try FileDescriptor.openDirectory(boot)
    let search = LoaderSearch(
      setting: setting, settingPath: "config", path: boot, isRunning: isRunning,
      prefix: root.path, efi: EFISystem(variables: root.file("efivars")))
    let wish = wish ?? .auto(fwEnvConfig: fwEnvConfig)
    return Result { () throws(BootError) in try search.find(wish, in: directory) }
  }

  var grub: BootLoader { .grub(GrubEnvironment("\(boot)/grub/grubenv")) }
  var uboot: BootLoader { .ubootEnvironment(UBootEnvironment(fwEnvConfig)) }
}

private let counting = "if [ \"$boot_success\" = 0 ]; then set boot_counter=2; fi\n"

@Suite struct LoaderSearchTests {
  @Test func `what is wished for is taken as it is`() throws {
    let board = try Board()
    try board.write("syslinux/x")
    try board.link("syslinux/syslinux.cfg", to: "x")
    #expect(try board.find(.entries) == .success(FoundLoader(.entries, .wish)))
    #expect(try board.find(.unmanaged) == .success(FoundLoader(.unmanaged, .wish)))
    #expect(try board.find(.uEnvironment) == .success(FoundLoader(.uEnvironment, .wish)))
    #expect(
      try board.find(.ubootEnvironment(fwEnvConfig: board.fwEnvConfig))
        == .success(FoundLoader(board.uboot, .wish)))
  }

  @Test(arguments: ["grub", "grub2", "efi/EFI/debian"])
  func `GRUB's block is looked for where GRUB has its files`(folder: String) throws {
    let board = try Board()
    #expect(try board.find(.grub) == .failure(.noGrubEnvironment(path: board.boot)))
    try board.write("\(folder)/grubenv")
    let loader = BootLoader.grub(GrubEnvironment("\(board.boot)/\(folder)/grubenv"))
    #expect(try board.find(.grub) == .success(FoundLoader(loader, .wish)))
  }

  @Test func `what the repo's configuration names is taken`() throws {
    let board = try Board()
    func reason(_ value: String) -> LoaderReason { .repoSetting(value: value, path: "config") }
    #expect(
      try board.find(setting: "none") == .success(FoundLoader(.entries, reason("none"))))
    #expect(
      try board.find(setting: "uboot") == .success(FoundLoader(.uEnvironment, reason("uboot"))))
    #expect(
      try board.find(setting: "grub2")
        == .failure(.unsupportedBootloader(name: "grub2", path: "config")))
  }

  @Test func `a uEnv.txt in force is U-Boot's, with an environment where Linux reaches it`() throws
  {
    let board = try Board()
    #expect(try board.find() == .success(FoundLoader(.entries, .nothingElse)))
    try board.write("loader.1/uEnv.txt")
    #expect(try board.find() == .success(FoundLoader(.entries, .nothingElse)))
    try board.link("loader", to: "loader.1")
    let file = "\(board.boot)/loader/uEnv.txt"
    #expect(try board.find() == .success(FoundLoader(.uEnvironment, .file(path: file))))
    try board.root.write("", to: "fw_env.config")
    let both = LoaderReason.files(path: file, and: board.fwEnvConfig)
    #expect(try board.find() == .success(FoundLoader(board.uboot, both)))
    // Where an image is made, /etc is that of another machine.
    #expect(
      try board.find(isRunning: false) == .success(FoundLoader(.uEnvironment, .file(path: file))))
  }

  @Test(arguments: [nil, "none"] as [String?])
  func `a grub.cfg that counts is taken, with the block beside it`(setting: String?) throws {
    let board = try Board()
    try board.write("grub/grub.cfg", counting)
    try board.write("grub/grubenv")
    let file = "\(board.boot)/grub/grub.cfg"
    #expect(
      try board.find(setting: setting) == .success(FoundLoader(board.grub, .file(path: file))))
  }

  @Test(arguments: ["grub/grub.cfg", "grub2/grub.cfg", "efi/EFI/debian/grub.cfg"])
  func `a generated GRUB configuration would go stale`(name: String) throws {
    let board = try Board()
    try board.write(name, "menuentry x {}\n")
    #expect(
      try board.find()
        == .failure(.unsupportedBootloader(name: "grub2", path: "\(board.boot)/\(name)")))
    let reason = LoaderReason.repoSetting(value: "none", path: "config")
    #expect(try board.find(setting: "none") == .success(FoundLoader(.entries, reason)))
  }

  @Test func `a syslinux configuration that is a link would go stale`() throws {
    let board = try Board()
    try board.write("syslinux/x")
    try board.link("syslinux/syslinux.cfg", to: "../loader/syslinux.cfg")
    #expect(
      try board.find()
        == .failure(
          .unsupportedBootloader(
            name: "syslinux", path: "\(board.boot)/syslinux/syslinux.cfg")))
  }

  // MARK: systemd-boot

  @Test(arguments: ["efi", "boot/efi", "boot"])
  func `systemd-boot is known by its configuration on the ESP`(folder: String) throws {
    let board = try Board()
    try board.root.write("default ostree-*\n", to: "\(folder)/loader/loader.conf")
    let esp = BootLoader.systemdBoot(SystemdBoot(board.root.file(folder)))
    let reason = LoaderReason.file(path: board.root.file("\(folder)/loader/loader.conf"))
    #expect(try board.find(isRunning: false) == .success(FoundLoader(esp, reason)))
    #expect(try board.find(setting: "none", isRunning: false) == .success(FoundLoader(esp, reason)))
    #expect(try board.find(.systemdBoot, isRunning: false) == .success(FoundLoader(esp, .wish)))
    // On the system that runs a folder is no ESP: what is mounted there would hide it.
    #expect(try board.find() == .success(FoundLoader(.entries, .nothingElse)))
  }

  @Test func `GRUB that counts goes before an ESP that only lies there`() throws {
    let board = try Board()
    try board.root.write("", to: "efi/loader/loader.conf")
    try board.write("grub/grub.cfg", counting)
    try board.write("grub/grubenv")
    let reason = LoaderReason.file(path: "\(board.boot)/grub/grub.cfg")
    #expect(try board.find(isRunning: false) == .success(FoundLoader(board.grub, reason)))
  }

  @Test func `the name that the boot loader left at this start decides`() throws {
    let board = try Board()
    func set(_ text: String) throws {
      var bytes: [UInt8] = [6, 0, 0, 0]
      for unit in Array(text.utf16) + [0] { bytes += [UInt8(unit & 0xFF), UInt8(unit >> 8)] }
      try board.root.write(
        bytes, to: "efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f")
    }
    try set("systemd-boot 252.39")
    let found = try board.find().get()
    #expect(found.reason == .firmware(name: "systemd-boot 252.39"))
    let loader = found.loader
    let result = Result { () throws(BootError) in try loader.trialCount() }
    #expect(result == .failure(.noSystemPartition(path: board.root.file("efi"))))
    try set("GRUB 2.12")
    #expect(try board.find() == .success(FoundLoader(.entries, .nothingElse)))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// `coppice prepare-root` beside ostree-prepare-root, in namespaces that look like an initramfs.
@Suite struct PrepareRootPeerTests {
  static let ours = "'\(PackagePaths.coppice)' prepare-root"
  static let tree = "/" + InitramfsRoom.deployment

  /// What only one of the two leaves: libostree's library of mounts a folder of its own.
  static func comparable(_ lines: [String]) -> [String] {
    lines.filter { !$0.hasPrefix("run mount") && $0 != "run ostree d" }
  }

  /// The repo's configuration, and a change of the root.
  static let cases: [(String, String)] = [
    ("", "true"),
    ("[sysroot]\nreadonly=false\n", "true"),
    ("[sysroot]\nreadonly=true\n", "true"),
    ("[sysroot]\nreadonly=true\n", "rm boot/loader"),
    ("[sysroot]\nreadonly=true\n", "rmdir '.\(tree)/boot'"),
    ("", "mkdir '.\(tree)/.usr-ovl-work' '.\(tree)/.usr-ovl-upper'"),
    ("[sysroot]\nreadonly=true\n", "mkdir -p ../run/ostree; : >../run/ostree/initramfs-mount-var"),
    ("", "mkdir -p ../run/ostree; : >../run/ostree/initramfs-mount-var"),
  ]

  @Test(arguments: cases)
  func `the same is mounted as by libostree`(_ config: String, _ change: String) throws {
    let room = try InitramfsRoom(repoConfig: config)
    try room.addGenerator()
    try mustRun("sh", "-ec", change, in: room.folder.file("image"))
    let expected = try room.mounts(after: "\(InitramfsRoom.real) /sysroot")
    #expect(expected.contains { $0.hasPrefix("/ /sysroot/sysroot ") })
    #expect(expected.contains("run ostree-booted f"))
    let found = try room.mounts(after: Self.ours)
    #expect(Self.comparable(found) == Self.comparable(expected))
    let named = try room.mounts(
      after: "(exec -a /usr/lib/ostree/ostree-prepare-root '\(PackagePaths.coppice)' /sysroot)")
    #expect(named == found)
  }

  @Test func `the stateroot's var is there where no unit of systemd mounts it`() throws {
    let room = try InitramfsRoom(repoConfig: "[sysroot]\nreadonly=true\n")
    let line = "/ostree/deploy/os/var /sysroot/var rw ext4"
    #expect(try room.mounts(after: Self.ours).contains(line))
    let fstab = "image/\(InitramfsRoom.deployment)/etc/fstab"
    try room.folder.write("# /dev/x /var ext4\n/dev/x /variable ext4\n", to: fstab)
    #expect(try room.mounts(after: Self.ours).contains(line))
    try room.folder.write("LABEL=var\t/var/  ext4 defaults\n", to: fstab)
    #expect(try !room.mounts(after: Self.ours).contains(line))
    // A fifo in its place is no reason to wait for ever.
    try mustRun("sh", "-ec", "rm '\(fstab)'; mkfifo '\(fstab)'", in: room.folder.path)
    #expect(try room.mounts(after: Self.ours).contains(line))
  }

  @Test func `settings of the initramfs go before the repo's, and those of etc before all`() throws
  {
    let room = try InitramfsRoom(repoConfig: "[sysroot]\nreadonly=true\n")
    let line = "/ /sysroot/sysroot ro ext4"
    try room.folder.write(
      "[sysroot]\nreadonly=false\n[composefs]\nenabled=maybe\n", to: "etc/ostree/prepare-root.conf")
    #expect(try !room.mounts(after: Self.ours).contains(line))
    try room.folder.write("[composefs]\nenabled=no\n", to: "etc/ostree/prepare-root.conf")
    #expect(try room.mounts(after: Self.ours).contains(line))
  }

  @Test func `what is written to a transient etc stays in memory`() throws {
    let room = try InitramfsRoom()
    try room.folder.write("[etc]\ntransient=true\n", to: "etc/ostree/prepare-root.conf")
    let result = try room.run(
      """
      \(Self.ours) || exit
      cat /sysroot/etc/file; echo new >/sysroot/etc/file; cat /sysroot/etc/file
      cat /sysroot/sysroot\(Self.tree)/etc/file /run/ostree/transient-etc.coppice/upper/file
      """)
    #expect(result.lines == ["default", "new", "mine", "new"])
    #expect(
      result.standardError.contains("changes in /etc are kept in memory"), "\(result)")
  }

  @Test func `a read-only sysroot leaves etc and var writable, and usr and sysroot not`() throws {
    let room = try InitramfsRoom(repoConfig: "[sysroot]\nreadonly=true\n")
    // The root that is mounted read-only by mistake: libostree stops there.
    #expect(
      try room.run("\(InitramfsRoom.real) /sysroot 2>&1", options: "ro").status != 0)
    for options in ["rw", "ro"] {
      let result = try room.run(
        """
        \(Self.ours) || exit; cd /sysroot
        for place in etc var usr sysroot sysroot/ostree/deploy/os/var sysroot/ostree; do
          if touch $place/probe 2>/dev/null; then echo $place; fi
        done
        """, options: options)
      #expect(result.lines == ["etc", "var", "sysroot/ostree/deploy/os/var"], "\(result)")
    }
  }

  @Test func `the mark in run names the deployment's directory`() throws {
    let room = try InitramfsRoom(repoConfig: "[sysroot]\nreadonly=true\n")
    let result = try room.run(
      """
      \(Self.ours) || exit
      stat -c '%d %i' /sysroot; stat -c %a /run/ostree-booted; base64 -w0 /run/ostree-booted
      """)
    #expect(result.lines.count == 3, "\(result)")
    let numbers = result.lines[0].split(separator: " ").compactMap { UInt64($0) }
    #expect(result.lines[1] == "644")
    let bytes = [UInt8](try #require(Data(base64Encoded: result.lines[2])))
    // As GVariant `a{sv}`: the pair stands behind its key, which is padded to 32 bytes.
    let expected = numbers.flatMap { number in
      (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    #expect(Array(bytes[32..<48]) == expected)
    #expect(Data(bytes).range(of: Data("sysroot-ro\0".utf8)) != nil)
  }

  /// What is wrong, the exit code, and what is said.
  static let failures: [(String, String, Int32, String)] = [
    ("echo quiet >cmdline", "", 2, "the kernel command line has no 'ostree='"),
    (
      "echo ostree=/ostree/boot.1/os/x/0 >cmdline", "", 1,
      "no deployment is behind 'ostree=/ostree/boot.1/os/x/0'"
    ),
    ("rm -r 'image\(tree)'", "", 7, "the tree of the deployment '/sysroot\(tree)' is missing"),
    ("true", "[composefs]\nenabled=yes\n", 1, "demands 'enabled=yes'"),
    ("true", "[composefs]\nenabled=perhaps\n", 2, "has the value 'perhaps' for 'enabled'"),
    ("true", "[root]\ntransient=true\n", 1, "demands 'transient=true'"),
    ("true", "[sysroot]\nreadonly=2\n", 1, "line 2 says '2' for true or false"),
    (
      "echo ostree=\(InitramfsRoom.link) ostree.prepare-root.composefs=verity >cmdline",
      "[composefs]\nenabled=no\n", 1, "demands 'ostree.prepare-root.composefs=verity'"
    ),
    ("rmdir 'image\(tree)/sysroot'", "", 1, "/sysroot': no such file or directory"),
  ]

  @Test(arguments: failures)
  func `what cannot be done is said`(
    _ change: String, _ config: String, _ exit: Int32, _ words: String
  ) throws {
    let room = try InitramfsRoom()
    try mustRun("sh", "-ec", change, in: room.folder.path)
    if !config.isEmpty { try room.folder.write(config, to: "etc/ostree/prepare-root.conf") }
    let result = try room.run("\(Self.ours)")
    #expect(result.status == exit, "\(result)")
    #expect(result.standardError.contains(words), "\(result)")
  }

  @Test func `a repo that cannot be read is a warning, since the system may start without`() throws
  {
    let room = try InitramfsRoom(repoConfig: "nonsense\n")
    let result = try room.run("\(Self.ours) && ls /sysroot/usr")
    #expect(result.status == 0, "\(result)")
    #expect(result.standardError.contains("warning: '/sysroot/ostree/repo/config' cannot be read"))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Boot
import Cryptography
import Foundation
import Linux
import OSTree
import Support
import Testing

@testable import Deploy

/// What is in a new deployment, in `/boot` and in /var.
@Suite struct DeployedTreeTests {
  private let sysroot: TestSysroot

  init() throws { sysroot = try TestSysroot() }

  /// The error with which a commit is refused. Nothing of it must stay.
  private func refusal(_ hex: String) throws -> DeployError? {
    let before = try? sysroot.names("ostree/deploy/coppice/deploy")
    let opened = try sysroot.open()
    let result = Result { () throws(DeployError) in
      try opened.deploy(
        Checksum(hex: hex)!, origin: Origin(refspec: "small"), DeployOptions(), try opened.lock()
      ).countAfter
    }
    #expect((try? sysroot.names("ostree/deploy/coppice/deploy")) ?? [] == before ?? [])
    guard case .failure(let error) = result else { return nil }
    return error
  }

  private func place(_ hex: String) -> String {
    "\(sysroot.path)/ostree/deploy/coppice/deploy/\(hex).0"
  }

  @Test func `a deployment is immutable, and its etc and kernel are as they should be`() throws {
    let report = try sysroot.deploy(TestSysroot.one)
    let path = "\(sysroot.path)/\(report.deployment.path)"
    #expect(try FileDescriptor.openDirectory(path).isImmutable())
    let etc = try FileDescriptor.status(of: "\(path)/etc/default.conf")
    let defaults = try FileDescriptor.status(of: "\(path)/usr/etc/default.conf")
    #expect(etc.links == 1)
    #expect(!etc.isSameFile(as: defaults))
    let kernel = try FileDescriptor.status(
      of: "\(sysroot.path)/boot/ostree/\(report.deployment.bootName)/vmlinuz-6.1.0-coppice")
    let source = try FileDescriptor.status(
      of: "\(path)/usr/lib/modules/6.1.0-coppice/vmlinuz")
    #expect(kernel.isSameFile(as: source))
    #expect(report.etc == nil)
    #expect(
      try sysroot.read("\(report.deployment.path).origin")
        == "[origin]\nrefspec=\(TestSysroot.ref)\n")
  }

  @Test func `an image with etc in place of usr etc is turned round`() throws {
    let hex = try sysroot.commit("mv usr/etc etc")
    let path = try sysroot.deploy(hex).deployment.path
    #expect(try sysroot.read("\(path)/etc/default.conf") == "default\n")
    #expect(try sysroot.read("\(path)/usr/etc/default.conf") == "default\n")
  }

  @Test func `an empty etc makes way, one with files is refused`() throws {
    let path = try sysroot.deploy(try sysroot.commit("mkdir etc")).deployment.path
    #expect(try sysroot.read("\(path)/etc/default.conf") == "default\n")
    let both = try sysroot.commit("mkdir etc; echo x >etc/x")
    #expect(try refusal(both) == .twoEtcs(tree: place(both)))
  }

  @Test func `an image without a kernel or a name is refused`() throws {
    let none = try sysroot.commit("rm -r usr/lib/modules")
    #expect(try refusal(none) == .noKernel(tree: place(none)))
    let nameless = try sysroot.commit("echo VERSION=1 >usr/lib/os-release")
    #expect(try refusal(nameless) == .noOSRelease(tree: place(nameless)))
  }

  @Test(arguments: ["enforcing", "permissive", "Enforcing"])
  func `an image that SELinux is to label is refused`(mode: String) throws {
    let policy = """
      mkdir -p usr/etc/selinux/targeted/contexts/files
      echo x >usr/etc/selinux/targeted/contexts/files/file_contexts
      printf '# SELINUX= one of\\nSELINUX=\(mode)\\nSELINUXTYPE=targeted\\n' >usr/etc/selinux/config
      """
    let hex = try sysroot.commit(policy)
    #expect(
      try refusal(hex) == .selinuxUnsupported(path: "\(place(hex))/usr/etc/selinux/config"))
    try sysroot.deploy(try sysroot.commit("\(policy)\nrm -r usr/etc/selinux/targeted"))
    try sysroot.deploy(
      try sysroot.commit("\(policy)\necho SELINUX=disabled >usr/etc/selinux/config"))
  }

  static let demands = [
    ("usr/lib", "[composefs]\\nenabled=yes"), ("usr/etc", "[composefs]\\nenabled=signed"),
    ("usr/lib", "[root]\\ntransient=true"),
  ]

  /// Its initramfs would look for an image of the tree, and stop.
  @Test(arguments: demands)
  func `an image that demands composefs is refused`(folder: String, text: String) throws {
    let file = "\(folder)/ostree/prepare-root.conf"
    let hex = try sysroot.commit("mkdir -p \(folder)/ostree; printf '\(text)\\n' >\(file)")
    let place = "\(place(hex))/\(folder == "usr/etc" ? "etc" : folder)/ostree/prepare-root.conf"
    #expect(
      try refusal(hex)
        == .composefsUnsupported(path: folder == "usr/etc" ? "\(self.place(hex))/\(file)" : place))
    // An argument on the kernel's command line has the last word.
    try sysroot.deploy(hex) { $0.argumentChanges = [.append("ostree.prepare-root.composefs=no")] }
  }

  @Test func `an image that can do with and without composefs is deployed`() throws {
    let hex = try sysroot.commit(
      """
      mkdir -p usr/lib/ostree usr/etc/ostree
      printf '[composefs]\nenabled=yes\n' >usr/lib/ostree/prepare-root.conf
      printf '[composefs]\nenabled=maybe\n' >usr/etc/ostree/prepare-root.conf
      """)
    try sysroot.deploy(hex)
    let opened = try sysroot.open()
    let refused = Result { () throws(DeployError) in
      var options = DeployOptions()
      options.argumentChanges = [.append("ostree.prepare-root.composefs=signed")]
      return try opened.deploy(
        Checksum(hex: hex)!, origin: Origin(refspec: "x"), options, try opened.lock()
      ).countAfter
    }
    let tree = "\(sysroot.path)/ostree/deploy/coppice/deploy/\(hex).1"
    #expect(refused == .failure(.composefsUnsupported(path: tree)))
  }

  @Test func `usr as a link does not lend etc of another system`() throws {
    let checksum = String(repeating: "a", count: 64)
    let hex = try sysroot.commit("mv usr other; ln -s / usr; echo k >boot/vmlinuz-1-\(checksum)")
    #expect(try refusal(hex) == .file(path: "\(place(hex))/usr", .notDirectory))
  }

  @Test func `a link out of the tree does not lend the name of another system`() throws {
    let hex = try sysroot.commit(
      "rm usr/lib/os-release; mkdir -p etc; ln -s /etc/os-release usr/lib/os-release; rmdir etc")
    #expect(try refusal(hex) == .noOSRelease(tree: place(hex)))
  }

  @Test func `var is filled once, from the image`() throws {
    let hex = try sysroot.commit(
      "mkdir -p var/data usr/lib/tmpfiles.d; echo 1 >var/data/x; chmod 700 var/data")
    try sysroot.deploy(hex)
    let stateful = "ostree/deploy/coppice/var"
    #expect(
      try sysroot.shell("cd \(stateful); find . -printf '%m %p\\n' | sort") == """
        644 ./data/x
        700 ./data
        755 .
        """)
    _ = try sysroot.shell("rm \(stateful)/data/x; touch \(stateful)/.updated")
    try sysroot.deploy(try sysroot.commit("mkdir var/more usr/lib/tmpfiles.d"))
    #expect(try sysroot.shell("cd \(stateful); find . | sort") == ".\n./data")
  }

  @Test func `without tmpfiles the usual directories of var are made`() throws {
    try sysroot.deploy(try sysroot.commit("true"))
    #expect(
      try sysroot.shell("cd ostree/deploy/coppice/var; find . -printf '%M %p %l\\n' | sort") == """
        drwxr-xr-x . 
        drwxr-xr-x ./lib 
        drwxr-xr-x ./log 
        drwxrwxrwt ./tmp 
        lrwxrwxrwx ./lock ../run/lock
        lrwxrwxrwx ./run ../run
        """)
  }

  @Test func `a tree's own lines come into uEnv, an integrator's stay`() throws {
    try sysroot.folder.write("custom=1\n", to: "sysroot/boot/loader.0/uEnv.txt")
    _ = try sysroot.shell("ln -s loader.0 boot/loader")
    let lines = "mkdir usr/lib/ostree-boot; echo machine=a >usr/lib/ostree-boot/uEnv.txt"
    try sysroot.deploy(try sysroot.commit(lines))
    try sysroot.deploy(try sysroot.commit("true", kernel: "second"))
    let first = try sysroot.read("boot/loader/uEnv.txt").split(separator: "\n")
    #expect(first.filter { $0.hasPrefix("machine") } == [])
    #expect(first.last == "custom=1")
    let opened = try sysroot.open()
    _ = try opened.rollback(try opened.lock())
    let second = try sysroot.read("boot/loader/uEnv.txt").split(separator: "\n")
    #expect(
      second.map { $0.prefix { $0 != "=" } } == [
        "kernel_image", "ramdisk_image", "bootargs", "machine", "kernel_image2", "ramdisk_image2",
        "bootargs2", "custom",
      ])
  }

  @Test func `without an initramfs the kernel starts ostree-prepare-root`() throws {
    let hex = try sysroot.commit("rm usr/lib/modules/6.1/initramfs.img")
    let deployment = try sysroot.deploy(hex).deployment
    let entry = try sysroot.read("boot/loader/entries/ostree-1-coppice.conf")
    let link = "/ostree/boot.1/coppice/\(deployment.bootChecksum.hex)/0"
    #expect(
      entry.contains(
        "options panic=10 ostree=\(link) init=\(link)/usr/lib/ostree/ostree-prepare-root\n"))
    #expect(!entry.contains("initrd"))
    // One that has an initramfs starts as it should again.
    try sysroot.deploy(try sysroot.commit("true"))
    #expect(!(try sysroot.read("boot/loader/entries/ostree-2-coppice.conf").contains("init=")))
  }

  @Test func `settings of the repo shape the entries`() throws {
    _ = try sysroot.shell(
      """
      printf '[sysroot]\\nbootprefix=true\\nbls-append-except-default=grub_users="";x=1\\n' \
        >>ostree/repo/config
      """)
    try sysroot.deploy(TestSysroot.one)
    try sysroot.deploy(TestSysroot.two)
    let second = try sysroot.read("boot/loader/entries/ostree-1-coppice.conf")
    #expect(second.contains("linux /boot/ostree/coppice-"))
    #expect(second.hasSuffix("grub_users \"\"\nx 1\n"))
    let first = try sysroot.read("boot/loader/entries/ostree-2-coppice.conf")
    #expect(!first.contains("grub_users"))
    let opened = try sysroot.open()
    _ = try opened.rollback(try opened.lock())
    #expect(
      !(try sysroot.read("boot/loader/entries/ostree-2-coppice.conf").contains("grub_users")))
  }

  @Test func `a boot loader whose configuration would go stale is refused`() throws {
    _ = try sysroot.shell("printf '[sysroot]\\nbootloader=grub2\\n' >>ostree/repo/config")
    let refused = Result { () throws(DeployError) in
      try Sysroot.open(sysroot.path, environment: sysroot.environment).path
    }
    #expect(
      refused
        == .failure(
          .boot(
            .unsupportedBootloader(name: "grub2", path: "\(sysroot.path)/ostree/repo/config"))))
    let chosen = try Sysroot.open(
      sysroot.path, environment: sysroot.environment, loader: .entries)
    #expect(chosen.foundLoader == FoundLoader(.entries, .wish))
  }

  @Test func `a conflict in etc is refused with its path and the old order stays`() throws {
    let first = try sysroot.deploy(TestSysroot.one).deployment
    try sysroot.folder.write("changed", to: "sysroot/\(first.path)/etc/default.conf")
    let hex = try sysroot.commit("rm usr/etc/default.conf; mkdir usr/etc/default.conf")
    #expect(try refusal(hex) == .etcNowDirectory(path: "default.conf"))
    #expect(try sysroot.order() == ["\(TestSysroot.one).0"])
  }

  @Test func `what fails before the commit step leaves the old order`() throws {
    try sysroot.deploy(TestSysroot.one)
    let opened = try sysroot.open()
    let error = DeployError.nothingToRollBackTo
    var durable = false
    let failed = Result { () throws(DeployError) in
      try opened.deploy(
        Checksum(hex: TestSysroot.two)!, origin: Origin(refspec: "x"), DeployOptions(),
        try opened.lock(),
        beforeCommit: { () throws(DeployError) in
          durable = sysroot.exists("boot/loader.0/entries/ostree-2-coppice.conf")
          throw error
        }
      ).countAfter
    }
    #expect(failed == .failure(error))
    #expect(durable)
    #expect(try sysroot.order() == ["\(TestSysroot.one).0"])
    #expect(
      try sysroot.names("ostree/deploy/coppice/deploy")
        == ["\(TestSysroot.one).0", "\(TestSysroot.one).0.origin"])
    try sysroot.deploy(TestSysroot.two)
    #expect(try sysroot.order().count == 2)
  }

  /// A hard link shares the damage with the tree, so this kernel is a copy.
  @Test func `a damaged kernel in boot is found before it is booted, and replaced`() throws {
    let first = try sysroot.deploy(TestSysroot.one).deployment
    let kernel = "boot/ostree/\(first.bootName)/vmlinuz-6.1.0-coppice"
    _ = try sysroot.shell("rm \(kernel); printf 'kernel-imagX-1.0\\n' >\(kernel)")
    try sysroot.deploy(TestSysroot.one)
    #expect(try sysroot.read(kernel) == "kernel-image-1.0\n")
  }

  @Test func `a kernel that is damaged in the repo is refused`() throws {
    let kernel = try sysroot.shell(
      "grep -rl '^kernel-image-1.0$' ostree/repo/objects --include=*.file")
    _ = try sysroot.shell("printf 'kernel-imagX-1.0\\n' >\(kernel)")
    guard case .ostree(.corrupt(let name, found: let found))? = try refusal(TestSysroot.one) else {
      Issue.record("not refused")
      return
    }
    #expect(kernel == "ostree/repo/\(name.path)")
    #expect(found != name.checksum)
  }
}

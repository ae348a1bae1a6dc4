// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Initramfs

@Suite struct KernelCommandLineTests {
  /// What stands there, and the pairs that the kernel makes of it (lib/cmdline.c, `next_arg`).
  static let lines: [(String, [(String, String?)])] = [
    ("", []),
    ("  \t\n", []),
    ("ro quiet", [("ro", nil), ("quiet", nil)]),
    ("root=UUID=a-b  x=", [("root", "UUID=a-b"), ("x", "")]),
    (#"a="b c" d"#, [("a", "b c"), ("d", nil)]),
    (#""a=b c" d"#, [("a", "b c"), ("d", nil)]),
    (#""quoted flag" d"#, [("quoted flag", nil), ("d", nil)]),
    (#"a=b" "c"#, [("a", #"b" "c"#)]),
    (#"a="open end"#, [("a", "open end")]),
    (#"a="" b"#, [("a", ""), ("b", nil)]),
    (#"dyndbg="file x.c +p" -- single a=b"#, [("dyndbg", "file x.c +p")]),
    ("=x", [("", "x")]),
    ("\"", [("", nil)]),
    ("a=\"", [("a", "")]),
  ]

  @Test(arguments: lines)
  func `a line falls into the parameters that the kernel sees`(
    _ text: String, _ expected: [(String, String?)]
  ) {
    let found = KernelCommandLine(parsing: text).parameters
    #expect(found.map(\.name) == expected.map(\.0))
    #expect(found.map(\.value) == expected.map(\.1))
  }

  @Test func `of several the last holds, and the first for the deployment`() {
    let line = KernelCommandLine(parsing: "root=a ostree=/1 root=b ostree=/2 root_x=c")
    #expect(line.value(of: "root") == "b")
    #expect(line.firstValue(of: "ostree") == "/1")
    #expect(line.value(of: "root-x") == "c")
    #expect(line.value(of: "roo") == nil)
    #expect(line.contains("ostree") && !line.contains("rootwait"))
  }

  @Test func `parameters of modules are found with either dash`() {
    let line = KernelCommandLine(
      parsing: #"ubi.mtd=rootfs usb-storage.quirks=a ubi.mtd="x y" ubix.a=b usb_storage.flag ubi."#)
    #expect(line.parameters(ofModule: "ubi") == ["mtd=rootfs", #"mtd="x y""#])
    #expect(line.parameters(ofModule: "usb_storage") == ["quirks=a", "flag"])
    #expect(line.parameters(ofModule: "ext4") == [])
  }

  @Test func `random bytes are read to their end`() {
    var generator = SystemRandomNumberGenerator()
    let alphabet = Array("a=\" \t-\n".unicodeScalars)
    for _ in 0..<3000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0..<24, using: &generator) {
        text.append(alphabet.randomElement(using: &generator)!)
      }
      _ = KernelCommandLine(parsing: String(text))
    }
  }
}

@Suite struct BootOptionsTests {
  static func options(_ text: String) -> BootOptions {
    BootOptions(KernelCommandLine(parsing: text))
  }

  @Test(arguments: [
    ("", 10), ("panic=5", 5), ("panic=0", 10), ("panic=-1", 0), ("panic=x", 10),
    ("panic=99999999999999999999", 3600),
  ])
  func `a failure ends in a restart whatever is asked`(_ line: String, _ seconds: Int) {
    #expect(Self.options(line).panicSeconds == UInt32(seconds))
  }

  @Test(arguments: [
    ("", 10), ("rootwait", 120), ("rootwait=3", 3), ("rootwait=", 120), ("rootwait=0", 0),
    ("rootwait=1000000", 3600),
  ])
  func `no wait for the root is without end`(_ line: String, _ seconds: Int) {
    #expect(Self.options(line).rootSeconds == UInt32(seconds))
  }

  @Test func `the last of ro and rw holds`() {
    #expect(Self.options("").isReadOnly)
    #expect(!Self.options("ro rw").isReadOnly)
    #expect(Self.options("rw ro").isReadOnly)
    #expect(Self.options("rw=1").isReadOnly)
  }

  @Test(arguments: [
    ("", nil), ("init=", nil), ("init=/bin/sh", "/bin/sh"),
    ("init=/ostree/boot.1/os/abc/0/usr/lib/ostree/ostree-prepare-root", nil),
    ("init=/sbin/init", "/sbin/init"),
  ])
  func `what prepares the root is not started as init`(_ line: String, _ program: String?) {
    #expect(Self.options(line).program == program)
  }

  @Test func `switches of our own`() {
    #expect(Self.options("").finalizes && !Self.options("coppice.finalize=0").finalizes)
    #expect(Self.options("coppice.watchdog=30").watchdogSeconds == 30)
    for line in ["", "coppice.watchdog", "coppice.watchdog=0", "coppice.watchdog=-1"] {
      #expect(Self.options(line).watchdogSeconds == nil, "\(line)")
    }
    #expect(Self.options("coppice.debug").isDebugging && !Self.options("").isDebugging)
    #expect(Self.options("coppice.shell=1").wantsShell)
    #expect(!Self.options("coppice.shell=0").wantsShell && !Self.options("").wantsShell)
    #expect(Self.options("rootfstype=ext4,xfs,").fileSystemTypes == ["ext4", "xfs"])
    #expect(Self.options("rootfstype=").fileSystemTypes == [])
  }
}

@Suite struct RootSpecificationTests {
  static let known: [(String, RootSpecification)] = [
    ("/dev/vda1", .path("/dev/vda1")),
    ("/dev/ubiblock0_0", .path("/dev/ubiblock0_0")),
    ("/dev/mapper/root", .path("/dev/mapper/root")),
    ("179:2", .number(major: 179, minor: 2)),
    ("UUID=AB-cd", .uuid("ab-cd")),
    ("LABEL=Root Label", .label("Root Label")),
    ("PARTUUID=DEADBEEF-02", .partitionUUID("deadbeef-02", offset: 0)),
    ("PARTUUID=x/PARTNROFF=2", .partitionUUID("x", offset: 2)),
    ("PARTUUID=x/PARTNROFF=-1", .partitionUUID("x", offset: -1)),
    ("PARTLABEL=root", .partitionLabel("root")),
    ("/dev/disk/by-label/root", .label("root")),
    ("/dev/disk/by-partuuid/A-02", .partitionUUID("a-02", offset: 0)),
    ("ubi0:rootfs", .ubi("ubi0:rootfs")), ("ubi:rootfs", .ubi("ubi:rootfs")),
    ("ubi0", .ubi("ubi0")),
    ("ubi0_1", .ubi("ubi0_1")), ("/dev/ubi0_1", .ubi("ubi0_1")), ("ubi1!x", .ubi("ubi1!x")),
  ]

  @Test(arguments: known)
  func `every form of root is understood`(_ text: String, _ expected: RootSpecification) {
    #expect(RootSpecification(text) == expected)
  }

  @Test(arguments: [
    "", "vda1", "/dev/nfs", "/dev/cifs", "/dev/ram", "UUID=", "LABEL=", "PARTUUID=", "8", "8:",
    "8:x", "PARTUUID=x/PARTNROFF=", "PARTUUID=x/PARTNROFF=9999999999999999999", "PARTUUID=/x",
    "PARTUUID=x/other", "ubi_1", "ubi", "ubi0:", "nfs", "4294967296:0", "/dev/",
  ])
  func `what names no device is refused`(_ text: String) {
    #expect(RootSpecification(text) == nil)
  }
}

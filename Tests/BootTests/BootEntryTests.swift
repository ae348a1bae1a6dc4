// SPDX-License-Identifier: Apache-2.0
import Linux
import Testing

@testable import Boot

@Suite struct BootEntryTests {
  private static let golden = """
    title Coppice Test OS 3.0 (ostree:1)
    version 1
    options root=LABEL=r ostree=/ostree/boot.0/coppice/4802/1
    linux /boot/ostree/coppice-4802/vmlinuz-6.1.0-coppice
    initrd /boot/ostree/coppice-4802/initramfs-6.1.0-coppice.img
    foo bar
    fdtdir /boot/ostree/coppice-4802/dtb
    baz 1

    """

  @Test func `an entry of libostree is written as it was read`() throws {
    let entry = try BootEntry(parsing: Array(Self.golden.utf8), path: "x")
    #expect(entry.title == "Coppice Test OS 3.0 (ostree:1)")
    #expect(entry.version == "1")
    #expect(entry.options == "root=LABEL=r ostree=/ostree/boot.0/coppice/4802/1")
    #expect(entry.kernel == "/boot/ostree/coppice-4802/vmlinuz-6.1.0-coppice")
    #expect(entry.initrds == ["/boot/ostree/coppice-4802/initramfs-6.1.0-coppice.img"])
    #expect(entry.deviceTreeDirectory == "/boot/ostree/coppice-4802/dtb")
    #expect(entry.other("foo") == "bar")
    #expect(try entry.serialized(path: "x") == Self.golden)
  }

  @Test func `comments and blanks are passed over, options are joined, initrds keep their order`()
    throws
  {
    let text = "# c\n\n  linux\t /vmlinuz \r\noptions a  b\noptions c\ninitrd /2\ninitrd /1\nflag\n"
    let entry = try BootEntry(parsing: Array(text.utf8), path: "x")
    #expect(entry.kernel == "/vmlinuz")
    #expect(entry.options == "a  b c")
    #expect(entry.initrds == ["/2", "/1"])
    #expect(entry.others == [BootEntry.Line("flag", "")])
  }

  @Test func `an entry without a kernel is refused`() {
    let result = Result { () throws(BootError) in
      try BootEntry(parsing: Array("title x\n".utf8), path: "p")
    }
    #expect(result == .failure(.missingKey(path: "p", key: "linux")))
  }

  @Test(arguments: [[0xFF], [0x61, 0x00]] as [[UInt8]])
  func `bytes that are no text are refused with their line`(bytes: [UInt8]) {
    let text = Array("linux /v\noptions ".utf8) + bytes
    let result = Result { () throws(BootError) in try BootEntry(parsing: text, path: "p") }
    #expect(result == .failure(.malformedEntry(path: "p", line: 2)))
  }

  @Test func `a line break in a value cannot smuggle in a line`() {
    var entry = BootEntry()
    entry.kernel = "/v"
    entry.options = "a\nlinux /evil"
    let result = Result { () throws(BootError) in try entry.serialized(path: "p") }
    #expect(
      result == .failure(.unwritable(path: "p", key: "options", value: "a\nlinux /evil")))
  }
}

@Suite struct BootEntryNameTests {
  @Test(arguments: [
    ("ostree-1-coppice.conf", BootEntryName(version: 1, stateroot: "coppice")),
    ("ostree-12.conf", BootEntryName(version: 12, stateroot: nil)),
    ("ostree-2-my-os+x.conf", BootEntryName(version: 2, stateroot: "my-os+x")),
    (
      "ostree-2+3.conf",
      BootEntryName(version: 2, stateroot: nil, counter: BootCounter(left: 3))
    ),
    (
      "ostree-1+3-0.conf",
      BootEntryName(version: 1, stateroot: nil, counter: BootCounter(left: 3, done: 0))
    ),
    (
      "ostree-7-os+0-2.conf",
      BootEntryName(version: 7, stateroot: "os", counter: BootCounter(left: 0, done: 2))
    ),
  ])
  func `both styles of file names are read and written`(name: String, expected: BootEntryName) {
    #expect(BootEntryName(name) == expected)
    #expect(BootEntryName(name)?.text == name)
  }

  @Test(arguments: ["ostree-.conf", "ostree-x.conf", "ostree-1-.conf", "linux.conf", "ostree-1"])
  func `other names are not ours to read`(name: String) {
    #expect(BootEntryName(name) == nil)
  }
}

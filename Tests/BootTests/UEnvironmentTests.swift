// SPDX-License-Identifier: Apache-2.0
import Linux
import Testing

@testable import Boot

@Suite struct UEnvironmentTests {
  private func entry(_ number: String) -> BootEntry {
    var entry = BootEntry()
    entry.kernel = "/ostree/os-\(number)/vmlinuz"
    entry.initrds = ["/ostree/os-\(number)/initramfs.img"]
    entry.options = "root=LABEL=root ostree=/ostree/boot.0/os/\(number)/0"
    return entry
  }

  @Test func `every position has its names, and lines of the tree and of others their places`() {
    var first = entry("a")
    first.others = [BootEntry.Line("fdtdir", "/ostree/os-a/dtb")]
    var second = entry("b")
    second.initrds = []
    second.deviceTree = "/boot/ostree/os-b/devicetree"
    let text = UEnvironment.text(
      for: [first, second], treeText: "machine=x\n\nextra=1", keeping: ["custom=1"])
    #expect(
      text == """
        kernel_image=/boot/ostree/os-a/vmlinuz
        ramdisk_image=/boot/ostree/os-a/initramfs.img
        fdtdir=/boot/ostree/os-a/dtb
        bootargs=root=LABEL=root ostree=/ostree/boot.0/os/a/0
        machine=x
        extra=1
        kernel_image2=/boot/ostree/os-b/vmlinuz
        fdt_file2=/boot/ostree/os-b/devicetree
        bootargs2=root=LABEL=root ostree=/ostree/boot.0/os/b/0
        custom=1

        """)
    #expect(UEnvironment.addedLines(of: text, treeTexts: ["machine=x\nextra=1\n"]) == ["custom=1"])
  }

  @Test func `names that only begin like ours are somebody else's`() {
    let text = "bootargs=a\nbootargs17=b\nbootargs_extra=c\nfdt_file2=d\nkernel_image2x=e\n"
    #expect(
      UEnvironment.addedLines(of: text, treeTexts: []) == ["bootargs_extra=c", "kernel_image2x=e"])
  }
}

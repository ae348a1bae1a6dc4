// SPDX-License-Identifier: Apache-2.0
import Boot
import Deploy

extension SelfTest {
  static func checkBoot(_ report: inout Report) {
    let text = """
      title Coppice OS
      version 1
      options root=/dev/mmcblk0p2 ostree=/ostree/boot.0/os/00/0
      linux /ostree/os-00/vmlinuz
      initrd /ostree/os-00/initramfs.img
      x-board kept

      """
    do throws(BootError) {
      let entry = try BootEntry(parsing: Array(text.utf8), path: "ostree-1-os.conf")
      report.expect(entry.kernel == "/ostree/os-00/vmlinuz", "the kernel of a boot entry is read")
      report.expect(entry.other("x-board") == "kept", "other keys of a boot entry are kept")
      let arguments = KernelArguments(parsing: entry.options)
      report.expect(
        arguments.value(of: "ostree") == "/ostree/boot.0/os/00/0", "a kernel argument is found")
      let again = try BootEntry(
        parsing: Array(try entry.serialized(path: "again").utf8), path: "again")
      report.expect(again == entry, "a boot entry is written as it was read")
    } catch { report.fail("a boot entry is read") }
    report.expect(
      VersionOrder.compare("ostree-10", "ostree-9") > 0, "boot entries are ordered by number")
  }
}

// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import Support
import Testing

@testable import Deploy

@Suite struct KernelLayoutTests {
  private let checksum = "96765390ca8cab0101f27e2a95b31b65173e1f69ded741e41bf143ef6d83e0a3"
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory("kernel") }

  private func find() throws -> Result<KernelLayout, DeployError> {
    let tree = try FileDescriptor.openDirectory(folder.path)
    return Result { () throws(DeployError) in try KernelLayout.find(in: tree, path: "tree") }
  }

  private func bootChecksum(_ layout: KernelLayout) throws -> String {
    let tree = try FileDescriptor.openDirectory(folder.path)
    return try BootChecksum.of(layout, in: tree, path: "tree").hex
  }

  private func write(_ name: String, _ text: String) throws {
    try folder.write(text, to: name)
  }

  /// The checksum is the one that ostree 2022.7 computed for these files.
  @Test func `kernel, initramfs and device trees of the newer layout`() throws {
    let modules = "usr/lib/modules/6.1.0-coppice"
    try write("usr/lib/modules/empty/modules.dep", "")
    try write("\(modules)/vmlinuz", "kernel-image-1.0\n")
    try write("\(modules)/initramfs.img", "initramfs-image-1.0\n")
    try write("\(modules)/dtb/vendor/a.dtb", "dtb-a-1.0\n")
    try write("\(modules)/dtb/b.dtb", "dtb-b-1.0\n")
    try write("\(modules)/.vmlinuz.hmac", "not hashed")
    let layout = try find().get()
    #expect(
      layout.items.map { $0.name } == [
        "vmlinuz-6.1.0-coppice", "initramfs-6.1.0-coppice.img", "dtb/b.dtb", "dtb/vendor/a.dtb",
        ".vmlinuz-6.1.0-coppice.hmac",
      ])
    #expect(layout.kernel == "vmlinuz-6.1.0-coppice")
    #expect(layout.initramfs == "initramfs-6.1.0-coppice.img")
    #expect(layout.hasDeviceTreeDirectory)
    #expect(layout.deviceTree == nil)
    #expect(try bootChecksum(layout) == checksum)
  }

  @Test func `a device tree of one file comes before a directory of them`() throws {
    try write("usr/lib/modules/5/vmlinuz", "k")
    try write("usr/lib/modules/5/initramfs", "i")
    try write("usr/lib/modules/5/devicetree", "d")
    try write("usr/lib/modules/5/dtb/x.dtb", "x")
    let layout = try find().get()
    #expect(layout.deviceTree == "devicetree-5")
    #expect(!layout.hasDeviceTreeDirectory)
    #expect(layout.initramfs == "initramfs-5.img")
    #expect(try bootChecksum(layout) == SHA256.hash(Array("kid".utf8).span).hex)
  }

  @Test(arguments: ["usr/lib/ostree-boot", "boot"])
  func `the older layout has its checksum in the names`(place: String) throws {
    try write("\(place)/vmlinuz-5.4-\(checksum)", "k")
    try write("\(place)/initramfs-5.4.img-\(checksum)", "i")
    try write("\(place)/devicetree-5.4-\(checksum)", "d")
    let layout = try find().get()
    #expect(
      layout.items.map { $0.name } == ["vmlinuz-5.4", "initramfs-5.4.img", "devicetree-5.4"])
    #expect(try bootChecksum(layout) == checksum)
  }

  @Test func `a suffix may follow the checksum of an initramfs`() throws {
    try write("boot/vmlinuz-5.4-\(checksum)", "k")
    try write("boot/initramfs-5.4-\(checksum).img", "i")
    #expect(try find().get().initramfs == "initramfs-5.4.img")
  }

  @Test func `the newer layout gives way only if it lacks the initramfs that the older has`()
    throws
  {
    try write("usr/lib/modules/6/vmlinuz", "k")
    try write("boot/vmlinuz-5.4-\(checksum)", "k")
    #expect(try find().get().kernel == "vmlinuz-6")
    try write("boot/initramfs-5.4.img-\(checksum)", "i")
    #expect(try find().get().kernel == "vmlinuz-5.4")
    try write("usr/lib/modules/6/initramfs.img", "i")
    #expect(try find().get().kernel == "vmlinuz-6")
  }

  @Test func `a tree without a kernel is refused`() throws {
    try folder.makeDirectory("usr/lib/modules/6/vmlinuz")
    try folder.makeDirectory("boot")
    #expect(try find() == .failure(.noKernel(tree: "tree")))
  }

  @Test func `kernel and initramfs must name the same checksum`() throws {
    let other = String(repeating: "0", count: 64)
    try write("boot/vmlinuz-5.4-\(checksum)", "k")
    try write("boot/initramfs-5.4.img-\(other)", "i")
    #expect(
      try find()
        == .failure(
          .kernelMismatch(
            kernel: "tree/boot/vmlinuz-5.4-\(checksum)",
            initramfs: "tree/boot/initramfs-5.4.img-\(other)")))
  }

  @Test func `a name without a checksum is refused`() throws {
    try write("boot/vmlinuz-5.4", "k")
    #expect(try find() == .failure(.kernelName(path: "tree/boot/vmlinuz-5.4")))
  }

  @Test func `links are followed inside of the tree, as libostree hashes them`() throws {
    let modules = "usr/lib/modules/6.1"
    try write("\(modules)/vmlinuz", "k")
    try write("\(modules)/images/real", "i")
    try write("\(modules)/dtb/v/a.dtb", "a\n")
    try mustRun(
      "sh", "-ec",
      """
      ln -s images/real initramfs.img; ln -s v/a.dtb dtb/l.dtb; ln -s nowhere dtb/d.dtb
      ln -s loop dtb/loop; ln -s v dtb/w; ln -s ../../../../../../../../../etc/passwd dtb/p.dtb
      ln -s 6.1 ../current; ln -s 6.1 ../0
      """, in: "\(folder.path)/\(modules)")
    let layout = try find().get()
    #expect(
      layout.items.map { $0.source } == [
        "\(modules)/vmlinuz", "\(modules)/images/real", "\(modules)/dtb/v/a.dtb",
        "\(modules)/dtb/v/a.dtb",
      ])
    #expect(
      layout.items.map { $0.name }
        == ["vmlinuz-6.1", "initramfs-6.1.img", "dtb/l.dtb", "dtb/v/a.dtb"])
    #expect(try bootChecksum(layout) == SHA256.hash(Array("kia\na\n".utf8).span).hex)
  }
}

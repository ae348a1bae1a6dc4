// SPDX-License-Identifier: Apache-2.0

/// The text of `loader/uEnv.txt`: the fragment of an environment that a U-Boot script imports.
///
/// Position 0 has the plain names, position 1 the suffix `2`, and so on:
/// ```
/// kernel_image=/boot/ostree/poky-…/vmlinuz-6.6.1
/// ramdisk_image=/boot/ostree/poky-…/initramfs-6.6.1.img
/// fdt_file=…    or    fdtdir=…
/// bootargs=root=LABEL=root … ostree=/ostree/boot.0/poky/…/0
/// kernel_image2=…
/// ```
/// Paths begin with `/boot`; the link `boot/boot -> .` makes that right on a separate `/boot`.
/// As libostree writes it (ostree-bootloader-uboot.c), but that lines which an integrator added
/// are kept, as the last ones.
public enum UEnvironment {
  /// Where a tree may carry lines of its own, which follow the first `bootargs`.
  public static let treePath = "usr/lib/ostree-boot/uEnv.txt"
  static let name = "uEnv.txt"

  private static let ownNames = ["kernel_image", "ramdisk_image", "fdt_file", "fdtdir", "bootargs"]

  /// `entries` in boot order. `treeText` is what the first one's tree has at `treePath`;
  /// `keeping` what `addedLines` found.
  public static func text(
    for entries: [BootEntry], treeText: String?, keeping added: [String]
  ) -> String {
    var text = ""
    for (position, entry) in entries.enumerated() {
      let suffix = position == 0 ? "" : "\(position + 1)"
      func append(_ name: String, _ path: String) {
        text += "\(name)\(suffix)=\(prefixed(path))\n"
      }
      append("kernel_image", entry.kernel)
      if let initrd = entry.initrds.first { append("ramdisk_image", initrd) }
      if let deviceTree = entry.deviceTree { append("fdt_file", deviceTree) }
      if let directory = entry.deviceTreeDirectory { append("fdtdir", directory) }
      text += "bootargs\(suffix)=\(entry.options)\n"
      if position == 0, let treeText {
        for line in lines(treeText) { text += "\(line)\n" }
      }
    }
    for line in added { text += "\(line)\n" }
    return text
  }

  /// The lines of a `uEnv.txt` in force that neither coppice nor libostree wrote: not one of the
  /// names above, and not from the `treeTexts` of the trees in boot order.
  public static func addedLines(of text: String, treeTexts: [String]) -> [String] {
    let fromTrees = treeTexts.flatMap(lines)
    return lines(text).filter { line in
      !isOwn(line) && !fromTrees.contains { $0.utf8.elementsEqual(line.utf8) }
    }
  }

  private static func isOwn(_ line: String) -> Bool {
    let name = line.utf8.prefix { $0 != UInt8(ascii: "=") }
    return ownNames.contains { own in
      name.starts(with: own.utf8)
        && name.dropFirst(own.utf8.count).allSatisfy {
          $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")
        }
    }
  }

  private static func prefixed(_ path: String) -> String {
    path.utf8.starts(with: "/boot/".utf8) ? path : "/boot\(path)"
  }

  private static func lines(_ text: String) -> [String] {
    text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { String($0) }
  }
}

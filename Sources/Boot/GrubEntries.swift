// SPDX-License-Identifier: Apache-2.0

/// The text of `loader/grub-entries.cfg`: the entries beside it as a GRUB without `blscfg` can take
/// them in, whatever characters are in the kernel arguments.
///
/// ```
/// set coppice_entries=2
/// set t0='Poky 2026.12 (ostree:0)'      position 0: title, kernel, arguments,
/// set l0='/ostree/poky-…/vmlinuz-6.6'
/// set o0='root=LABEL=root … ostree=/ostree/boot.1/poky/…/0'
/// set i0='/ostree/poky-…/initramfs-6.6.img'          initramfs images,
/// set d0=''                                          device tree
/// set t1=…
/// ```
/// It is swapped with the entries, by the same links. GNU GRUB Manual, "Quoting".
public enum GrubEntries {
  static let name = "grub-entries.cfg"

  /// `entries` in boot order.
  public static func text(for entries: [BootEntry]) -> String {
    var text = "# Written by coppice together with the entries beside it.\n"
    text += "set coppice_entries=\(entries.count)\n"
    for (position, entry) in entries.enumerated() {
      let initrds = entry.initrds.joined(separator: " ")
      for (letter, value) in [
        ("t", entry.title), ("l", entry.kernel), ("o", entry.options), ("i", initrds),
        ("d", entry.deviceTree ?? ""),
      ] {
        text += "set \(letter)\(position)=\(quoted(value))\n"
      }
    }
    return text
  }

  /// Between single quotes all is what it is, but for a single quote.
  static func quoted(_ value: String) -> String {
    var result = "'"
    for character in value.utf8.split(
      separator: UInt8(ascii: "'"), omittingEmptySubsequences: false
    ).enumerated() {
      if character.offset > 0 { result += "'\\''" }
      result += String(decoding: character.element, as: UTF8.self)
    }
    return result + "'"
  }
}

// SPDX-License-Identifier: Apache-2.0
import Boot

extension BootError: Reportable {
  var message: Message {
    switch self {
    case .file(let path, let errno): errno.message(path)
    case .strangeLink(let path, let target):
      Message(
        .storage, "boot-link", "'\(path)' leads to '\(target)', not to 'loader.0' or 'loader.1'",
        hint: "'coppice doctor' shows what is in /boot", path: path)
    case .notALink(let path):
      Message(
        .storage, "boot-link", "'\(path)' is no symbolic link",
        hint: "another system may own this /boot; coppice leaves it alone", path: path)
    case .malformedEntry(let path, let line):
      Message(
        .storage, "boot-entry",
        line == 0
          ? "boot entry '\(path)' cannot be read"
          : "line \(line) of boot entry '\(path)' cannot be read",
        hint: "remove or mend it; 'coppice doctor' looks at all of them", path: path)
    case .missingKey(let path, let key):
      Message(
        .storage, "boot-entry", "boot entry '\(path)' has no '\(key)'",
        hint: "remove or mend it; 'coppice doctor' looks at all of them", path: path)
    case .unwritable(let path, let key, let value):
      Message(
        .failed, "boot-value", "'\(value)' cannot be written as '\(key)' of '\(path)'", path: path)
    case .unsupportedBootloader(let name, let path):
      Message(
        .failed, "unsupported-bootloader",
        "the board is set up for boot loader '\(name)' by '\(path)', whose configuration coppice "
          + "does not write",
        hint: "where it reads the entries in /boot/loader, set 'loader=bls' in '[boot]'",
        path: path)
    case .noGrubEnvironment, .noEnvironment, .environmentUnusable, .environmentDamaged,
      .environmentFull, .environmentRefused, .environmentNotKept, .unfitEnvironmentFile:
      storeMessage
    case .noSystemPartition(let path):
      Message(
        .storage, "no-system-partition", "no EFI system partition is mounted at '\(path)'",
        hint: "mount it there or at /boot/efi; systemd-boot reads its entries from it", path: path)
    case .copyNotKept(let path):
      Message(
        .storage, "loader-copy-failed", "'\(path)' does not hold what was written to it",
        hint: "the medium may be failing; 'fsck.fat' looks at the EFI system partition", path: path)
    case .noSymbolicLinks(let path, let type):
      Message(
        .failed, "no-symbolic-links",
        "the file system of '\(path)' (type 0x\(String(type, radix: 16))) has no symbolic links",
        hint: "/boot must be a file system such as ext4; an EFI system partition goes to /efi",
        path: path)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Boot
import Linux

extension BootError {
  /// About the store in which the boot loader counts. Nothing was changed in it, or what was there
  /// is there still; deployments are as they were.
  var storeMessage: Message {
    switch self {
    case .noGrubEnvironment(let path):
      Message(
        .storage, "no-loader-store", "no 'grubenv' was found in '\(path)'",
        hint: "'grub-editenv \(path)/grub/grubenv create' makes one", path: path)
    case .noEnvironment(let path):
      Message(
        .storage, "no-loader-store", "'\(path)' names no place of U-Boot's environment",
        hint: "a line is 'DEVICE OFFSET SIZE'; bootloader/README.md has examples", path: path)
    case .environmentUnusable(let path):
      Message(
        .storage, "loader-store-unusable",
        "a place that '\(path)' names cannot hold an environment",
        hint: "compare it with what U-Boot was compiled for; 'fw_printenv -c \(path)' tries it",
        path: path)
    case .environmentDamaged(let path):
      Message(
        .storage, "loader-store-damaged",
        "the boot loader's environment behind '\(path)' has no valid copy",
        hint: "'grub-editenv FILE create' or U-Boot's 'saveenv' writes one; place and size must be "
          + "as the boot loader has them",
        path: path)
    case .environmentFull(let path):
      Message(
        .storage, "loader-store-full",
        "the boot loader's environment behind '\(path)' has no room for the boot counter",
        hint: "remove variables that nobody reads, in grubenv until all fit into 512 bytes",
        path: path)
    case .environmentRefused(let path, let name):
      Message(
        .storage, "loader-store-refused",
        "U-Boot's '.flags' in the environment behind '\(path)' do not let '\(name)' be set",
        hint: "let it be set, in '.flags' or CONFIG_ENV_FLAGS_LIST_STATIC", path: path)
    case .environmentNotKept(let path):
      Message(
        .storage, "loader-store-failed",
        "the boot loader's environment behind '\(path)' did not keep what was written",
        hint: "the medium may be failing or write-protected; see the kernel log", path: path)
    case .unfitEnvironmentFile(let path, let type):
      Message(
        .storage, "loader-store-unfit",
        "GRUB cannot write to '\(path)' in place (file system type 0x\(String(type, radix: 16)))",
        hint: "put it on ext4, XFS or FAT, as a file of 1024 bytes without holes", path: path)
    default: die("a message about no boot loader's store")
    }
  }
}

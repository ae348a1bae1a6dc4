// SPDX-License-Identifier: Apache-2.0
import Linux

/// How a file system was brought to the medium.
public enum BootFlush: Hashable, Sendable {
  /// All data written and the journal emptied into its places, by `EXT4_IOC_CHECKPOINT`.
  case checkpoint
  /// The same by freezing the file system and thawing it.
  case freeze
  /// All data and the journal written: enough for a reader that replays the journal.
  case sync

  /// Brings everything in `directory`'s file system to the medium, and as far as it can be done to
  /// where a boot loader that does not replay journals finds it (GRUB and U-Boot do not).
  ///
  /// Durable when it returns. `mayFreeze`: this file system is neither the one that this program
  /// runs from nor the one that holds the deployments; freezing either could stop the machine.
  /// Only ext4 and XFS need more than syncfs(2): the others that are served write their trees
  /// whole, and boot loaders that read UBIFS replay its journal. Throws `file` if a write failed.
  static func run(
    _ directory: borrowing FileDescriptor, path: String, mayFreeze: Bool
  ) throws(BootError) -> BootFlush {
    do throws(Errno) {
      try directory.syncFileSystem()
      let type = try directory.fileSystemStatus().type
      guard type == FileSystemKind.ext4 || type == FileSystemKind.xfs else { return .sync }
      if try ifOffered({ () throws(Errno) in try directory.checkpointJournal() }) {
        return .checkpoint
      }
      guard mayFreeze else { return .sync }
      let froze = try ifOffered { () throws(Errno) in try directory.freezeAndThaw() }
      return froze ? .freeze : .sync
    } catch { throw .file(path: path, error) }
  }

  /// False where the kernel, the file system or our rights do not offer the call.
  private static func ifOffered(_ call: () throws(Errno) -> Void) throws(Errno) -> Bool {
    do throws(Errno) { try call() } catch {
      switch error {
      case .notTerminal, .notSupported, .notImplemented, .invalid, .notPermitted, .noDevice:
        return false
      default: throw error
      }
    }
    return true
  }
}

extension Errno {
  /// What ext4 without a journal says to a checkpoint. ENODEV.
  static let noDevice = Errno(19)
}

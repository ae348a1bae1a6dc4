// SPDX-License-Identifier: Apache-2.0
import Linux

extension Sysroot {
  /// Makes the sysroot at `path` and its `/boot` writable for this process alone where they are
  /// mounted read-only, as they are on a device that guards them.
  ///
  /// Must come before the first thread: the process gets a mount namespace of its own. Nothing is
  /// mounted where both can be written to. Throws `file` with what mount(2) says.
  public static func prepareForWriting(_ path: String) throws(DeployError) {
    // What everybody on the device must be able to enter, like /var, shall not depend on whose
    // shell or timer this was started from.
    _ = Process.setFileModeMask(0o022)
    let prefix = Sysroot.prefix(path)
    var places: [String] = []
    for place in ["\(prefix)/ostree", "\(prefix)/boot"] where try isReadOnly(place) {
      places.append(place)
    }
    // Where the EFI system partition may be mounted. An empty folder is not for writing to.
    for place in ["\(prefix)/efi", "\(prefix)/boot/efi"]
    where isMountPoint(place) {
      if try isReadOnly(place) { places.append(place) }
    }
    if places.isEmpty { return }
    try at(path) { () throws(Errno) in try Mount.enterOwnNamespace() }
    for place in places {
      for mountPoint in mountPoints(of: place, prefix) {
        if try !isReadOnly(place) { break }
        try makeWritable(mountPoint, place)
      }
      if try isReadOnly(place) { throw .file(path: place, .readOnlyFileSystem) }
    }
  }

  /// What may be mounted at or above `place`: on a booted device the physical root is `/sysroot`.
  private static func mountPoints(of place: String, _ prefix: String) -> [String] {
    prefix.utf8.isEmpty ? [place, "/sysroot", "/"] : [place, prefix]
  }

  private static func isMountPoint(_ place: String) -> Bool {
    guard let own = try? FileDescriptor.status(of: place),
      let above = try? FileDescriptor.status(of: "\(place)/..")
    else { return false }
    return own.device != above.device
  }

  private static func isReadOnly(_ place: String) throws(DeployError) -> Bool {
    try at(place) { () throws(Errno) in
      do throws(Errno) {
        return try FileDescriptor.openDirectory(place).fileSystemStatus().isReadOnly
      } catch {
        if error == .notFound { return false }
        throw error
      }
    }
  }

  /// First this mount alone; then, where the file system itself is read-only, that.
  private static func makeWritable(
    _ mountPoint: String, _ place: String
  ) throws(DeployError) {
    for options in [[.remount, .bind], [.remount]] as [Mount.Options] {
      do throws(Errno) { try Mount.mount(nil, on: mountPoint, options: options) } catch {
        // Nothing is mounted there: the next place above it may be it.
        if error == .invalid || error == .notFound { return }
        throw .file(path: mountPoint, error)
      }
      if try !isReadOnly(place) { return }
    }
  }
}

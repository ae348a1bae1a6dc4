// SPDX-License-Identifier: Apache-2.0
import Linux

/// Leaves the initramfs: the system's root becomes `/`, and its init takes this process over.
struct SwitchRoot {
  /// Where the system's root is mounted.
  let root: String
  /// What `init=` names, or nil.
  let program: String?

  /// Where a kernel looks (init/main.c), without the shell at the end of its list: a device in the
  /// field needs another try more than a prompt.
  private static let usualPrograms = ["/sbin/init", "/etc/init", "/bin/init"]
  private static let executableBits: UInt32 = 0o111
  /// Magic numbers of what an initramfs lies in. linux/magic.h.
  private static let ramfs: UInt64 = 0x8584_58F6

  /// What will be started: looked for before anything is given up. Throws `noProgram`.
  func find() throws(InitramfsError) -> String {
    let candidates = program.map { [$0] } ?? SwitchRoot.usualPrograms
    let directory = try at(root) { () throws(Errno) in try FileDescriptor.openDirectory(root) }
    var failure = Errno.notFound
    for candidate in candidates {
      do throws(Errno) {
        let status = try directory.openInRoot(candidate, .pathOnly).status()
        if status.type == .regular, status.mode & SwitchRoot.executableBits != 0 {
          return candidate
        }
        failure = .accessDenied
      } catch { failure = error }
    }
    throw .noProgram(candidates, failure)
  }

  /// Becomes `program`, which `find` has found. Comes back only with an error, and then the
  /// initramfs is gone.
  func run(_ program: String, skipping skipped: Int) -> InitramfsError {
    do throws(InitramfsError) {
      let old = try at("/") { () throws(Errno) in try FileDescriptor.openDirectory("/") }
      for place in KernelFileSystems.places { move(place) }
      try at(root) { () throws(Errno) in try InitialProcess.changeDirectory(root) }
      SwitchRoot.empty(old)
      do throws(Errno) { try Mount.mount(".", on: "/", options: [.move, .silent]) } catch {
        throw .mountFailed(source: root, place: "/", type: "none", error)
      }
      try at("/") { () throws(Errno) in
        try InitialProcess.changeRoot(".")
        try InitialProcess.changeDirectory("/")
      }
    } catch { return error }
    return .noProgram([program], InitialProcess.execute(program, skipping: skipped))
  }

  /// Where the system has no such folder, it does without.
  private func move(_ place: String) {
    do throws(Errno) {
      try Mount.mount(place, on: "\(root)\(place)", options: [.move, .silent])
    } catch { try? Mount.unmount(place, lazily: true) }
  }

  /// The memory that the initramfs takes is given back. Only what is in memory, and nothing that is
  /// mounted there.
  private static func empty(_ root: borrowing FileDescriptor) {
    guard let type = try? root.fileSystemStatus().type,
      type == ramfs || type == FileSystemKind.tmpfs,
      let device = try? root.status().device
    else { return }
    empty(root, device, depth: 0)
  }

  private static let depthMax = 64

  private static func empty(_ folder: borrowing FileDescriptor, _ device: UInt64, depth: Int) {
    guard depth < depthMax, let entries = try? folder.entries() else { return }
    for entry in entries {
      guard let status = try? folder.status(of: entry.name), status.device == device else {
        continue
      }
      if status.type == .directory {
        if let below = try? folder.openDirectory(entry.name) {
          empty(below, device, depth: depth + 1)
        }
        try? folder.removeDirectory(entry.name)
      } else {
        try? folder.unlink(entry.name)
      }
    }
  }
}

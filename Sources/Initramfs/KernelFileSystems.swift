// SPDX-License-Identifier: Apache-2.0
import Linux

/// The file systems by which the kernel speaks: what a program that is started first finds nowhere.
public enum KernelFileSystems {
  private struct Entry {
    let place: String
    let type: String
    let options: Mount.Options
    var data: String?
  }

  private static let all = [
    Entry(place: "/proc", type: "proc", options: [.noSetUserID, .noDevices, .noExecute]),
    Entry(place: "/sys", type: "sysfs", options: [.noSetUserID, .noDevices, .noExecute]),
    Entry(place: "/dev", type: "devtmpfs", options: [.noSetUserID], data: "mode=0755"),
    Entry(place: "/run", type: "tmpfs", options: [.noSetUserID, .noDevices], data: "mode=0755"),
  ]

  /// The order in which they move to the system that is started.
  static let places = ["/dev", "/proc", "/sys", "/run"]
  private static let console = "/dev/console"

  /// Mounts them; one that is mounted already stays as it is. Then the console is what programs
  /// read and write.
  public static func mount() throws(InitramfsError) {
    for entry in all {
      try at(entry.place) { () throws(Errno) in
        try FileDescriptor.openDirectory("/").makeDirectories(entry.place)
      }
      do throws(Errno) {
        try Mount.mount(
          entry.type, on: entry.place, type: entry.type, options: entry.options, data: entry.data)
      } catch {
        if error == .busy { continue }
        throw .mountFailed(
          source: entry.type, place: entry.place, type: entry.type, error)
      }
    }
    // Without one, a machine without a screen or a serial line, messages are in the kernel's log.
    if let file = try? FileDescriptor.open(console, .readWrite) {
      try? InitialProcess.useAsStandard(file)
    }
  }
}

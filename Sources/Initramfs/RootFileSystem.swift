// SPDX-License-Identifier: Apache-2.0
import Linux

/// Mounts the physical root as the kernel would: `rootfstype=`, `rootflags=`, `ro`, `rw`.
struct RootFileSystem {
  let device: RootDevice
  let options: BootOptions
  let place: String

  /// The kernel's list of what it can mount.
  private static let kinds = "/proc/filesystems"
  private static let kindsBytesMax = 64 << 10

  /// Gives whether it can be written to: a medium that is write-protected is mounted read-only,
  /// whatever was asked. Throws `mountFailed` with what the last kind of file system said, and
  /// `unknownFileSystem` if there is none to try.
  func mount() throws(InitramfsError) -> Bool {
    var failure: InitramfsError?
    for type in try types() {
      let wantsReadOnly = options.isReadOnly || device.superblock?.kind.isReadOnly == true
      var errno = attempt(type, isReadOnly: wantsReadOnly)
      if errno == nil { return !wantsReadOnly }
      if !wantsReadOnly, errno == .accessDenied || errno == .readOnlyFileSystem {
        errno = attempt(type, isReadOnly: true)
        if errno == nil { return false }
      }
      failure = .mountFailed(source: device.source, place: place, type: type, errno ?? .invalid)
    }
    throw failure ?? .unknownFileSystem(device: device.source)
  }

  private func attempt(_ type: String, isReadOnly: Bool) -> Errno? {
    var (flags, data) = RootFileSystem.split(options.fileSystemOptions ?? "")
    if isReadOnly { flags.insert(.readOnly) }
    flags.insert(.silent)
    do throws(Errno) {
      try Mount.mount(
        device.source, on: place, type: type, options: flags,
        data: data.utf8.isEmpty ? nil : data)
      return nil
    } catch { return error }
  }

  /// What mount(8) would take for itself out of the options, and what is for the file system.
  static func split(_ text: String) -> (Mount.Options, String) {
    var flags: Mount.Options = []
    var rest: [String] = []
    for word in text.utf8.split(separator: UInt8(ascii: ",")) {
      let word = String(decoding: word, as: UTF8.self)
      switch word {
      case "noatime": flags.insert(.noAccessTime)
      case "nodiratime": flags.insert(.noDirectoryAccessTime)
      case "nodev": flags.insert(.noDevices)
      case "nosuid": flags.insert(.noSetUserID)
      case "defaults", "relatime", "ro", "rw": break
      default: rest.append(word)
      }
    }
    return (flags, rest.joined(separator: ","))
  }

  private func types() throws(InitramfsError) -> [String] {
    if !options.fileSystemTypes.isEmpty { return options.fileSystemTypes }
    if RootSpecification.isUBIVolume(device.source) { return ["ubifs"] }
    if let kind = device.superblock?.kind {
      var types: [String] = []
      // Their own drivers are hardly built any more.
      if kind == .ext2 || kind == .ext3 { types.append("ext4") }
      types.append(kind.rawValue)
      return types
    }
    let text = try at(RootFileSystem.kinds) { () throws(Errno) in
      try FileDescriptor.open(RootFileSystem.kinds).readAll(limit: RootFileSystem.kindsBytesMax)
    }
    return text.split(separator: UInt8(ascii: "\n")).compactMap { line in
      // `nodev` stands in front of the others.
      guard line.first == UInt8(ascii: "\t") else { return nil }
      return String(decoding: line.dropFirst(), as: UTF8.self)
    }
  }
}

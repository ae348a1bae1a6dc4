// SPDX-License-Identifier: Apache-2.0
public import Linux

/// A kernel's folder in `/boot/ostree` and in `ostree` of the ESP.
public enum KernelFolderName {
  /// `STATEROOT-` and 64 hexadecimal digits.
  public static func isOne(_ name: String) -> Bool {
    guard let dash = name.utf8.lastIndex(of: UInt8(ascii: "-")), dash > name.utf8.startIndex
    else { return false }
    let digits = name.utf8[name.utf8.index(after: dash)...]
    return digits.count == 64
      && digits.allSatisfy {
        ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9"))
          || ($0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "f"))
      }
  }
}

// Copies of kernels, initramfs and device trees on the ESP: `ostree/STATEROOT-BOOTCSUM/…`, the
// same names as in `/boot`. What a folder holds never changes, as its name says the contents.
extension SystemdBoot {
  private static let folder = "ostree"
  private static let overlays = "initramfs-overlays"
  private static let chunkBytes = 256 << 10

  /// Copies what the entries name from `/boot`, and reads it back from the medium. Durable when it
  /// returns; no entry is touched. A copy that an entry in force names was proven when that was
  /// made: it is compared again for position 0 alone.
  ///
  /// Throws `copyNotKept` where the medium does not hold what was written.
  func copyKernels(
    of entries: [BootEntry], from boot: borrowing BootDirectory
  ) throws(BootError) {
    let esp = try open()
    let proven = try files(esp).inForce.flatMap { SystemdBoot.places(in: $0.entry) }
    var unproven: [String] = []
    for (index, entry) in entries.enumerated() {
      for place in SystemdBoot.places(in: entry) where !SystemdBoot.contains(unproven, place) {
        let isNew = try !isThere(place, boot, esp)
        if isNew { try copy(place, from: boot, esp) }
        if isNew || index == 0 || !SystemdBoot.contains(proven, place) { unproven.append(place) }
      }
    }
    try at(path) { () throws(Errno) in try esp.syncFileSystem() }
    for place in unproven where try !isSame(place, boot, esp) {
      try copy(place, from: boot, esp)
      try at(path) { () throws(Errno) in try esp.syncFileSystem() }
      if try !isSame(place, boot, esp) { throw .copyNotKept(path: "\(path)/\(place)") }
    }
  }

  private static func contains(_ places: [String], _ place: String) -> Bool {
    places.contains { $0.utf8.elementsEqual(place.utf8) }
  }

  /// A file of the same size; what is in it is looked at later.
  private func isThere(
    _ place: String, _ boot: borrowing BootDirectory, _ esp: borrowing FileDescriptor
  ) throws(BootError) -> Bool {
    let copy = try at("\(path)/\(place)") { () throws(Errno) in
      try esp.statusIfPresent(of: place)
    }
    let original = try at("\(boot.path)/\(place)") { () throws(Errno) in
      try boot.directory.openInRoot(place).status()
    }
    return copy?.type == .regular && copy?.sizeBytes == original.sizeBytes
  }

  private func copy(
    _ place: String, from boot: borrowing BootDirectory, _ esp: borrowing FileDescriptor
  ) throws(BootError) {
    let source = try at("\(boot.path)/\(place)") { () throws(Errno) in
      try boot.directory.openInRoot(place)
    }
    try at("\(path)/\(place)") { () throws(Errno) in
      if let slash = place.utf8.lastIndex(of: UInt8(ascii: "/")) {
        try esp.makeDirectories(String(place.utf8[..<slash]) ?? "")
      }
      do throws(Errno) {
        let file = try esp.open(place, [.writeOnly, .create, .truncate, .noFollow])
        try source.copyContents(to: file)
        try file.sync()
      } catch {
        _ = try? esp.unlinkIfPresent(place)
        throw error
      }
    }
  }

  /// Byte by byte, the copy as the medium has it.
  private func isSame(
    _ place: String, _ boot: borrowing BootDirectory, _ esp: borrowing FileDescriptor
  ) throws(BootError) -> Bool {
    let original = try at("\(boot.path)/\(place)") { () throws(Errno) in
      try boot.directory.openInRoot(place)
    }
    let copy = try at("\(path)/\(place)") { () throws(Errno) in try esp.open(place) }
    copy.dropCache()
    var (wanted, found) = ([UInt8](), [UInt8]())
    while true {
      wanted = [UInt8](repeating: 0, count: SystemdBoot.chunkBytes)
      found = [UInt8](repeating: 0, count: SystemdBoot.chunkBytes)
      let count = try at("\(boot.path)/\(place)") { () throws(Errno) in
        try original.readFully(into: &wanted)
      }
      let copied = try at("\(path)/\(place)") { () throws(Errno) in
        try copy.readFully(into: &found)
      }
      if count != copied || wanted != found { return false }
      if count == 0 { return true }
    }
  }

  // MARK: Room

  public func freeBytes() throws(BootError) -> UInt64 {
    let esp = try open()
    return try at(path) { () throws(Errno) in try esp.fileSystemStatus().freeBytes }
  }

  /// What a file of this size will take at `place`: 0 if one of that size is there.
  public func missingBytes(of sizeBytes: UInt64, at place: String) throws(BootError) -> UInt64 {
    let esp = try open()
    return try at("\(path)/\(place)") { () throws(Errno) in
      if let found = try esp.statusIfPresent(of: place), found.sizeBytes == sizeBytes { return 0 }
      let block = try esp.fileSystemStatus().blockBytes
      // One more for its name, or for the directory that it may need.
      return (sizeBytes / block + 2).multipliedReportingOverflow(by: block).partialValue
    }
  }

  /// The folders of kernels, and what each takes.
  public func kernelFolders() throws(BootError) -> [(name: String, bytes: UInt64)] {
    let esp = try open()
    return try at("\(path)/\(SystemdBoot.folder)") { () throws(Errno) in
      guard try esp.contains(SystemdBoot.folder) else { return [] }
      let folder = try esp.openDirectory(SystemdBoot.folder)
      var found: [(name: String, bytes: UInt64)] = []
      for entry in try folder.sortedEntries() where KernelFolderName.isOne(entry.name) {
        found.append((entry.name, try folder.openDirectory(entry.name).treeBytes()))
      }
      return found
    }
  }

  /// Removes kernels that neither an entry in force names nor `isKept`; gives the folders' names.
  public func removeUnusedKernels(
    keeping isKept: (String) -> Bool
  ) throws(BootError) -> [String] {
    let esp = try open()
    let places = try files(esp).inForce.flatMap { SystemdBoot.places(in: $0.entry) }
    let unused = try kernelFolders().map { $0.name }.filter { name in
      !isKept(name) && !places.contains { $0.utf8.starts(with: "ostree/\(name)/".utf8) }
    }
    for name in unused {
      try at("\(path)/ostree/\(name)") { () throws(Errno) in
        try esp.removeTree("\(SystemdBoot.folder)/\(name)")
      }
    }
    try removeUnusedOverlays(places, esp)
    return unused
  }

  private func removeUnusedOverlays(
    _ used: [String], _ esp: borrowing FileDescriptor
  ) throws(BootError) {
    let folder = "\(SystemdBoot.folder)/\(SystemdBoot.overlays)"
    try at("\(path)/\(folder)") { () throws(Errno) in
      guard try esp.contains(folder) else { return }
      for entry in try esp.openDirectory(folder).sortedEntries() {
        let place = "\(folder)/\(entry.name)"
        if !SystemdBoot.contains(used, place) { try esp.unlink(place) }
      }
    }
  }
}

extension FileDescriptor {
  /// Device trees lie two folders deep. A damaged FAT can be without end.
  private static var treeDepthMax: Int { 32 }

  /// Bytes on the medium of all files below this directory; what lies deeper than any kernel's
  /// files do is left out.
  public borrowing func treeBytes() throws(Errno) -> UInt64 { try treeBytes(depth: 0) }

  private borrowing func treeBytes(depth: Int) throws(Errno) -> UInt64 {
    var sum: UInt64 = 0
    for entry in try entries() {
      let status = try status(of: entry.name)
      sum = sum.addingReportingOverflow(status.blocks &* 512).partialValue
      if status.type == .directory, depth < FileDescriptor.treeDepthMax {
        let below = try openDirectory(entry.name).treeBytes(depth: depth + 1)
        sum = sum.addingReportingOverflow(below).partialValue
      }
    }
    return sum
  }
}

// SPDX-License-Identifier: Apache-2.0
import Linux

extension SelfTest {
  static func checkFiles(_ scratch: Scratch, _ report: inout Report) {
    do throws(Errno) {
      let directory = try FileDescriptor.openDirectory(scratch.path)
      try checkNames(directory, &report)
      try checkLargeFile(directory, &report)
      try checkLocks(scratch, &report)
      try checkRenames(directory, &report)
      try checkUnnamedFile(directory, &report)
      try checkMapping(directory, &report)
    } catch { report.fail("a file check ended with \(error.name) in '\(scratch.path)'") }
  }

  /// Names are bytes; those that are no UTF-8 come back as they went.
  private static func checkNames(
    _ directory: borrowing FileDescriptor, _ report: inout Report
  ) throws(Errno) {
    // U+10FFE9 stands for the byte E9 (FileName.swift).
    let names = ["plain", "caf\u{E9}", "caf\u{10FFE9}", "with space", "-dash", "new\nline"]
    try directory.makeDirectory("names")
    let inside = try directory.openDirectory("names")
    for name in names { _ = try inside.open(name, [.writeOnly, .create, .exclusive]) }
    var found = try inside.entries().map { $0.name }
    report.expect(found.count == names.count, "every file name is listed once")
    for name in names {
      found.removeAll { $0.utf8.elementsEqual(name.utf8) }
    }
    report.expect(found.isEmpty, "every file name comes back as it went")
    do throws(Errno) {
      _ = try inside.open("missing")
      report.fail("a missing file cannot be opened")
    } catch { report.expect(error == .notFound, "a missing file is ENOENT") }
    do throws(Errno) {
      _ = try inside.openBeneath("../names/plain")
      report.fail("a path must not leave the directory")
    } catch {
      // qemu-user 7.2 does not know openat2(2).
      report.expect(
        error == .crossDevice || error == .notImplemented,
        "a path that leaves the directory is EXDEV, not \(error.name)")
    }
  }

  /// Offsets beyond 4 GiB, which a 32-bit off_t cannot hold.
  private static func checkLargeFile(
    _ directory: borrowing FileDescriptor, _ report: inout Report
  ) throws(Errno) {
    let file = try directory.open("large", [.readWrite, .create])
    let offset: Int64 = (5 << 30) + 7
    try file.write([1, 2, 3].span, offset: offset)
    report.expect(try file.status().sizeBytes == UInt64(offset) + 3, "a file may pass 4 GiB")
    var bytes = [UInt8](repeating: 0, count: 8)
    let count = try file.read(into: &bytes, count: 8, offset: offset)
    report.expect(count == 3 && bytes[..<3] == [1, 2, 3], "what lies beyond 4 GiB is read back")
    try file.setTimes(seconds: 4_102_444_800)  // 2100
    report.expect(
      try file.status().modifiedSeconds == 4_102_444_800, "a file time may lie after 2038")
    try directory.unlink("large")
  }

  private static func checkLocks(_ scratch: Scratch, _ report: inout Report) throws(Errno) {
    let first = try FileDescriptor.open("\(scratch.path)/lock", [.readWrite, .create])
    let second = try FileDescriptor.open("\(scratch.path)/lock", .readWrite)
    report.expect(try first.tryLock(.exclusive), "a free lock is taken")
    report.expect(try !second.tryLock(.shared), "a held lock is not taken twice")
    first.unlock()
    report.expect(try second.tryLock(.shared), "a lock given up is free")
    report.expect(try first.tryLock(.shared), "a shared lock is shared")
  }

  private static func checkRenames(
    _ directory: borrowing FileDescriptor, _ report: inout Report
  ) throws(Errno) {
    try directory.symbolicLink("a", to: "to-a")
    try directory.symbolicLink("b", to: "to-b")
    do throws(Errno) {
      try directory.exchange("a", with: "b")
      report.expect(
        try directory.symbolicLinkTarget(of: "a") == "to-b", "an exchange swaps two names")
    } catch {
      report.expect(error == .invalid, "a file system that cannot exchange says EINVAL")
    }
    do throws(Errno) {
      try directory.rename("a", into: directory, as: "b", replacing: false)
      report.fail("a rename must not replace what it may not")
    } catch {
      report.expect(
        error == .exists || error == .invalid, "a rename that may not replace says EEXIST")
    }
    try directory.rename("a", to: "b")
    report.expect(try !directory.contains("a"), "a rename takes the old name away")
  }

  private static func checkUnnamedFile(
    _ directory: borrowing FileDescriptor, _ report: inout Report
  ) throws(Errno) {
    do throws(Errno) {
      let file = try directory.openTemporary()
      try file.write("kept")
      try file.sync()
      try file.link(into: directory, as: "named")
      let content = try directory.open("named").readAll(limit: 16)
      report.expect(content == Array("kept".utf8), "an unnamed file gets a name")
    } catch {
      report.expect(
        error == .notSupported || error == .isDirectory,
        "an unnamed file gets a name, not \(error.name)")
    }
  }

  /// A mapped file, and one that is cut shorter while it is mapped.
  private static func checkMapping(
    _ directory: borrowing FileDescriptor, _ report: inout Report
  ) throws(Errno) {
    let page = Mapping.pageBytes
    let file = try directory.open("mapped", [.readWrite, .create])
    try file.write([UInt8](repeating: 7, count: 2 * page))
    let mapping = try Mapping(file, count: 2 * page)
    report.expect(mapping.withBytes { $0[2 * page - 1] } == 7, "a mapped file shows its bytes")
    if busErrorsNameWrongAddress() { return }
    BusError.install()
    _ = BusError.take()
    try file.truncate(to: Int64(page))
    let beyond = mapping.withBytes { $0[2 * page - 1] }
    report.expect(beyond == 0, "a page that cannot be read is zero")
    report.expect(BusError.take(), "a page that cannot be read is reported")
    report.expect(!BusError.take(), "a page that cannot be read is reported once")
    report.expect(mapping.withBytes { $0[0] } == 7, "the other pages stay")
  }

  /// qemu-user 7.2 hands a 32-bit program the host's address of a bus error instead of its own, so
  /// no handler can mend the right page. The emulator's own name stands in the process's.
  private static func busErrorsNameWrongAddress() -> Bool {
    guard BuildIdentity.architecture == "armv7" else { return false }
    do throws(Errno) {
      let name = try FileDescriptor.open("/proc/self/comm").readAll(limit: 64)
      return name.starts(with: "qemu-".utf8)
    } catch { return false }
  }
}

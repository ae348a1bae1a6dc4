// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Boot

/// An environment in a file, as U-Boot writes it, and the real `fw_printenv` to judge it.
private struct Environment {
  static let sizeBytes = 0x2000

  let folder: TemporaryDirectory
  let copies: Int
  let sizeBytes: Int
  var config: String { folder.file("fw_env.config") }
  var environment: UBootEnvironment { UBootEnvironment(config) }

  /// Copies lie one behind the other, the first at `offset`.
  init(
    _ variables: String..., copies: Int = 1, sizeBytes: Int = Environment.sizeBytes,
    offset: Int = 0, flags: [UInt8] = [1, 0]
  ) throws {
    folder = try TemporaryDirectory("uboot")
    self.copies = copies
    self.sizeBytes = sizeBytes
    var device = [UInt8](repeating: 0xAA, count: offset)
    var lines = "# made for a test\n"
    for copy in 0..<copies {
      let text = variables.map { Array($0.utf8) + [0] }.joined() + [0]
      device += Self.image(
        Array(text), sizeBytes: sizeBytes, flag: copies == 2 ? flags[copy] : nil)
      lines += "\(folder.file("device")) 0x\(String(offset + copy * sizeBytes, radix: 16)) "
      lines += "0x\(String(sizeBytes, radix: 16))\n"
    }
    try folder.write(device, to: "device")
    try folder.write(lines, to: "fw_env.config")
  }

  private static func image(_ text: [UInt8], sizeBytes: Int, flag: UInt8?) -> [UInt8] {
    let header = flag == nil ? 4 : 5
    let data = text + [UInt8](repeating: 0, count: sizeBytes - header - text.count)
    let sum = crc32(data)
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * UInt32($0))) }
    return bytes + (flag.map { [$0] } ?? []) + data
  }

  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var sum = UInt32.max
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    return ~sum
  }

  /// As fw_printenv sees it.
  func list() throws -> [String] {
    try mustRun("fw_printenv", "-c", config).split(separator: "\n").map(String.init).sorted()
  }

  func set(_ name: String, _ value: String) throws {
    try mustRun("fw_setenv", "-c", config, name, value)
  }

  func device() throws -> [UInt8] { try folder.read("device") }

  /// Flips a bit of a copy.
  func damage(_ copy: Int) throws {
    var bytes = try device()
    bytes[copy * sizeBytes + 100] ^= 1
    try folder.write(bytes, to: "device")
  }
}

private let good = "bootcmd=run distro_bootcmd"

@Suite(.serialized) struct UBootEnvironmentTests {
  @Test(arguments: [1, 2]) func `what is armed fw_printenv reads`(copies: Int) throws {
    let board = try Environment(good, copies: copies)
    #expect(try board.environment.trialCount() == .idle)
    try board.environment.arm(boots: 3)
    #expect(
      try board.list() == [
        "bootcmd=run distro_bootcmd", "bootcount=0", "bootlimit=3", "rollback=0",
        "upgrade_available=1",
      ])
    #expect(try board.environment.trialCount() == .counting(left: 3, max: 3))
  }

  @Test(arguments: [1, 2]) func `what U-Boot counts is understood, and ended`(copies: Int) throws {
    let board = try Environment(good, copies: copies)
    try board.environment.arm(boots: 2)
    try board.set("bootcount", "1")
    #expect(try board.environment.trialCount() == .counting(left: 1, max: 2))
    try board.set("bootcount", "3")
    #expect(try board.environment.trialCount() == .counting(left: 0, max: 2))
    try board.set("rollback", "1")
    #expect(try board.environment.trialCount() == .fellBack)
    try board.environment.clear()
    #expect(try board.environment.trialCount() == .idle)
    #expect(
      try board.list() == [
        "bootcmd=run distro_bootcmd", "bootcount=0", "bootlimit=2", "rollback=0",
        "upgrade_available=0",
      ])
  }

  @Test func `a counter of a script goes on in letters`() throws {
    let board = try Environment(good, "upgrade_available=1", "bootcount=a", "bootlimit=c")
    #expect(try board.environment.trialCount() == .counting(left: 2, max: 12))
  }

  @Test func `an environment that nobody ever counted in is left alone`() throws {
    let board = try Environment(good, copies: 2)
    let before = try board.device()
    try board.environment.clear()
    #expect(try board.device() == before)
  }

  @Test func `nothing is written where nothing changes`() throws {
    let board = try Environment(good, copies: 2)
    try board.environment.arm(boots: 3)
    let before = try board.device()
    try board.environment.arm(boots: 3)
    #expect(try board.device() == before)
  }

  @Test(arguments: [0, 1]) func `one damaged copy of two is survived, and overwritten`(
    copy: Int
  ) throws {
    let board = try Environment(good, copies: 2)
    try board.damage(copy)
    let before = try board.device()
    try board.environment.arm(boots: 3)
    let after = try board.device()
    let other = (1 - copy) * board.sizeBytes..<(2 - copy) * board.sizeBytes
    #expect(after[other] == before[other], "the good copy is what a power cut leaves")
    #expect(try board.list().contains("upgrade_available=1"))
  }

  @Test(arguments: [1, 2]) func `an environment is never made from nothing`(copies: Int) throws {
    let board = try Environment(good, copies: copies)
    for copy in 0..<copies { try board.damage(copy) }
    let before = try board.device()
    let environment = board.environment
    let armed = Result { () throws(BootError) in try environment.arm(boots: 3) }
    #expect(armed.failed == .environmentDamaged(path: board.config))
    let cleared = Result { () throws(BootError) in try environment.clear() }
    #expect(cleared.failed == .environmentDamaged(path: board.config))
    #expect(try board.device() == before)
  }

  @Test func `only the block of one sector is made anew, and only if it is damaged`() throws {
    let block = try Environment("bootcount=1", sizeBytes: 0x200)
    #expect(try block.environment.makeStateIfDamaged() == false)
    try block.damage(0)
    #expect(try block.environment.makeStateIfDamaged())
    #expect(
      try block.list() == ["bootcount=0", "bootlimit=3", "rollback=0", "upgrade_available=0"])
    #expect(try block.device().count == 0x200)

    let board = try Environment(good)
    try board.damage(0)
    let environment = board.environment
    let result = Result { () throws(BootError) in try environment.makeStateIfDamaged() }
    #expect(result == .failure(.environmentDamaged(path: board.config)))
  }

  /// An updater in the field broke when the byte that tells the newer copy passed 128.
  @Test func `the newer copy is found all round the byte that says so`() throws {
    let board = try Environment(good, copies: 2, flags: [126, 125])
    for round in 1...140 {
      try board.environment.arm(boots: 1 + round % 2)
      #expect(try board.list().contains("bootlimit=\(1 + round % 2)"), "round \(round)")
    }
  }

  @Test func `a block of one sector at an offset is enough`() throws {
    let board = try Environment(good, sizeBytes: 0x200, offset: 0x400)
    try board.environment.arm(boots: 3)
    #expect(try board.list().contains("bootcount=0"))
    let bytes = try board.device()
    #expect(bytes.count == 0x600)
    #expect(bytes[..<0x400].allSatisfy { $0 == 0xAA })
  }

  @Test func `an environment without room is refused and stays`() throws {
    let board = try Environment(
      good, "long=\(String(repeating: "x", count: 430))", sizeBytes: 0x200)
    let before = try board.device()
    let environment = board.environment
    let result = Result { () throws(BootError) in try environment.arm(boots: 3) }
    #expect(result.failed == .environmentFull(path: board.config))
    #expect(try board.device() == before)
  }

  @Test func `a variable that U-Boot guards is named`() throws {
    let board = try Environment(good, "bootcount=1", ".flags=bootcount:dr")
    let environment = board.environment
    let result = Result { () throws(BootError) in try environment.arm(boots: 3) }
    #expect(result.failed == .environmentRefused(path: board.config, name: "bootcount"))
  }

  @Test func `what is missing is named`() throws {
    let folder = try TemporaryDirectory("uboot")
    func read(_ path: String) -> BootError? {
      Result { () throws(BootError) in try UBootEnvironment(path).trialCount() }.failed
    }
    #expect(read("/nowhere") == .file(path: "/nowhere", .notFound))
    let empty = try folder.write("# none\n/dev/x 0x0\n", to: "empty")
    #expect(read(empty) == .noEnvironment(path: empty))
    let missing = try folder.write("\(folder.file("gone")) 0x0 0x2000\n", to: "missing")
    #expect(read(missing) == .file(path: folder.file("gone"), .notFound))
    try folder.write("short", to: "short")
    let short = try folder.write("\(folder.file("short")) 0x0 0x2000\n", to: "config")
    #expect(read(short) == .environmentUnusable(path: short))
  }
}

extension Result {
  fileprivate var failed: Failure? {
    guard case .failure(let error) = self else { return nil }
    return error
  }
}

@Suite struct FwEnvConfigTests {
  private func parse(_ text: String) throws -> FwEnvConfig {
    try FwEnvConfig(parsing: Array(text.utf8), path: "c")
  }

  @Test func `numbers are read as libubootenv reads them`() throws {
    let config = try parse(
      "/dev/mmcblk0 0x80000 0x4000\n/dev/mmcblk0\t-16384   4000 200 1 nolock\n")
    #expect(
      config.copies == [
        FwEnvConfig.Copy(device: "/dev/mmcblk0", offset: 0x80000, sizeBytes: 0x4000),
        FwEnvConfig.Copy(device: "/dev/mmcblk0", offset: -16384, sizeBytes: 0x4000),
      ])
  }

  @Test func `comments, short lines and third copies count as nothing`() throws {
    let config = try parse("#/a 0 1\n\n/b 0\n/c 010 10\n/d x 10\n/e 0 0x0\n/f 0 10\n/g 0 10\n")
    #expect(config.copies.map { $0.device } == ["/c", "/f"])
    #expect(config.copies[0].offset == 8)
  }

  @Test func `who has two copies, or one sector, need not fear a power cut`() throws {
    #expect(try parse("/a 0 4000\n/a 4000 4000\n").isPowerSafe)
    #expect(try parse("/a 0 200\n").isPowerSafe)
    #expect(try !parse("/a 0 4000\n").isPowerSafe)
  }
}

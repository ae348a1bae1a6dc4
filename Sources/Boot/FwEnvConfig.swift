// SPDX-License-Identifier: Apache-2.0
import Linux

/// Where U-Boot's environment lies, as `fw_env.config` says:
/// ```
/// # device       offset   size    sector size  sectors
/// /dev/mmcblk0   0x80000  0x4000
/// /dev/mmcblk0   0x84000  0x4000                          a second line: a redundant copy
/// ```
/// Read as libubootenv does: lines that begin with `#` and lines of fewer than three words count
/// as nothing, and so does all behind the second copy. fw_env.config of U-Boot, `tools/env`.
public struct FwEnvConfig: Hashable, Sendable {
  public struct Copy: Hashable, Sendable {
    /// A block device, an MTD, a UBI volume (also as `/dev/ubi0:NAME`) or a plain file.
    public let device: String
    /// From the end of the device where it is negative.
    public let offset: Int64
    public let sizeBytes: UInt64
  }

  public let path: String
  /// One or two.
  public let copies: [Copy]

  /// Far above any honest file.
  private static let bytesMax = 64 << 10

  /// Throws `file` if it cannot be read and `noEnvironment` if it names no device.
  public static func read(_ path: String) throws(BootError) -> FwEnvConfig {
    let text = try at(path) { () throws(Errno) in
      try FileDescriptor.open(path).readAll(limit: bytesMax)
    }
    return try FwEnvConfig(parsing: text, path: path)
  }

  init(parsing text: [UInt8], path: String) throws(BootError) {
    var copies: [Copy] = []
    for line in text.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
      let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      guard copies.count < 2, words.count >= 3,
        let device = String(validating: words[0], as: UTF8.self),
        let offset = FwEnvConfig.number(words[1]), let size = FwEnvConfig.hexadecimal(words[2])
      else { continue }
      copies.append(Copy(device: device, offset: offset, sizeBytes: size))
    }
    if copies.isEmpty { throw .noEnvironment(path: path) }
    self.path = path
    self.copies = copies
  }

  /// Whether a power cut while it is written leaves an environment: two copies of which one always
  /// stays as it was, or one that is a single sector.
  public var isPowerSafe: Bool { copies.count == 2 || copies[0].sizeBytes <= 512 }

  /// Brings what was written to the medium, and drops it from memory, so that what is read next
  /// comes from there. The library's own fsync(2) does not tell whether it failed.
  func sync() throws(BootError) {
    for copy in copies {
      do throws(Errno) {
        let device = try FileDescriptor.open(copy.device)
        try device.sync()
        device.dropCache()
      } catch {
        // A UBI volume by its name has no file of that name, and an MTD has nothing to flush:
        // both are written through.
        let isNamedVolume = copy.device.utf8.contains(UInt8(ascii: ":")) && error == .notFound
        if error == .invalid || isNamedVolume { continue }
        throw .file(path: copy.device, error)
      }
    }
  }

  /// As `strtoll` with base 0.
  private static func number(_ word: ArraySlice<UInt8>) -> Int64? {
    let isNegative = word.first == UInt8(ascii: "-")
    let digits = isNegative ? word.dropFirst() : word
    let radix = isHexadecimal(digits) ? 16 : digits.first == UInt8(ascii: "0") ? 8 : 10
    guard let magnitude = parse(radix == 16 ? digits.dropFirst(2) : digits, radix: radix),
      let value = Int64(exactly: magnitude)
    else { return nil }
    return isNegative ? -value : value
  }

  private static func hexadecimal(_ word: ArraySlice<UInt8>) -> UInt64? {
    let size = parse(isHexadecimal(word) ? word.dropFirst(2) : word, radix: 16)
    return size == 0 ? nil : size
  }

  private static func isHexadecimal(_ digits: ArraySlice<UInt8>) -> Bool {
    digits.starts(with: "0x".utf8) || digits.starts(with: "0X".utf8)
  }

  private static func parse(_ digits: ArraySlice<UInt8>, radix: Int) -> UInt64? {
    UInt64(String(decoding: digits, as: UTF8.self), radix: radix)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Linux

/// What the figures depend on, as far as the kernel tells: read from /proc and /sys, and nil or
/// empty where they do not say.
public struct Machine: Hashable, Sendable {
  /// For example "Raspberry Pi 4 Model B Rev 1.4", from the device tree or the firmware.
  public let board: String?
  public let processor: String?
  /// As the kernel names it: "aarch64".
  public let architecture: String
  /// Those that matter for hashing and copying, as the kernel names them.
  public let features: [String]
  /// That this process may use.
  public let cores: Int
  /// Of the first core: "performance", "ondemand".
  public let governor: String?
  public let frequencyMaxKilohertz: UInt64?
  public let memoryBytes: UInt64
  /// What could be had without swapping when the run began.
  public let availableBytes: UInt64
  public let kernel: String
  /// Of the directory that the benchmarks ran in.
  public let fileSystem: String

  /// Looks at this machine; `directory` is where the benchmarks run.
  init(directory: borrowing FileDescriptor) {
    let processors = MachineFile.pairs("/proc/cpuinfo")
    board =
      MachineFile.line("/proc/device-tree/model")
      ?? MachineFile.line("/sys/class/dmi/id/product_name")
    processor = Machine.processor(processors)
    architecture = Process.machine
    features = Machine.features(processors)
    cores = Thread.cores
    let frequency = "/sys/devices/system/cpu/cpu0/cpufreq"
    governor = MachineFile.line("\(frequency)/scaling_governor")
    frequencyMaxKilohertz = MachineFile.line("\(frequency)/cpuinfo_max_freq").flatMap { UInt64($0) }
    let memory = MachineFile.pairs("/proc/meminfo")
    memoryBytes = Machine.kibibytes(memory, "MemTotal")
    availableBytes = Machine.kibibytes(memory, "MemAvailable")
    kernel = Process.kernelRelease
    fileSystem = Machine.fileSystem(directory)
  }

  /// Nothing that differs makes figures of two runs incomparable by itself; the caller warns.
  public func differences(from other: Machine) -> [String] {
    var names: [String] = []
    if board != other.board { names.append("board") }
    if processor != other.processor { names.append("processor") }
    if architecture != other.architecture { names.append("architecture") }
    if features != other.features { names.append("features") }
    if cores != other.cores { names.append("cores") }
    if governor != other.governor { names.append("governor") }
    if frequencyMaxKilohertz != other.frequencyMaxKilohertz {
      names.append("frequency_max_khz")
    }
    if memoryBytes != other.memoryBytes { names.append("memory_bytes") }
    if kernel != other.kernel { names.append("kernel") }
    if fileSystem != other.fileSystem { names.append("file_system") }
    return names
  }
}

extension Machine {
  typealias Pair = (name: String, value: String)

  private static func value(_ pairs: [Pair], _ name: String) -> String? {
    pairs.first { $0.name == name }?.value
  }

  /// By arm's numbers, or the words of other architectures.
  private static func processor(_ pairs: [Pair]) -> String? {
    let (implementer, part) = (value(pairs, "CPU implementer"), value(pairs, "CPU part"))
    if let implementer, let part, let name = ArmCore.name(implementer: implementer, part: part) {
      return name
    }
    if let name = value(pairs, "model name") { return name }
    guard let implementer, let part else { return nil }
    return "implementer \(implementer), part \(part)"
  }

  /// Linux: arch/x86/include/asm/cpufeatures.h, Documentation/arch/arm64/elf_hwcaps.rst.
  private static let interesting: [String] = [
    "ssse3", "avx", "avx2", "avx512f", "sha_ni", "neon", "asimd", "sha1", "sha2", "sha512",
  ]

  private static func features(_ pairs: [Pair]) -> [String] {
    guard let text = value(pairs, "flags") ?? value(pairs, "Features") else { return [] }
    let words = text.split(separator: " ").map { String($0) }
    return interesting.filter { words.contains($0) }
  }

  private static func kibibytes(_ pairs: [Pair], _ name: String) -> UInt64 {
    guard let text = value(pairs, name), let number = text.split(separator: " ").first,
      let count = UInt64(number), count < 1 << 50
    else { return 0 }
    return count * 1024
  }

  /// By the table of mounts, or, where the device is not in it (btrfs has one for each subvolume),
  /// by the number of the kind.
  private static func fileSystem(_ directory: borrowing FileDescriptor) -> String {
    if let status = try? directory.status() {
      let device = "\(status.deviceMajor):\(status.deviceMinor)"
      for line in MachineFile.lines("/proc/self/mountinfo") {
        let words = line.split(separator: " ")
        guard words.count > 2, words[2].utf8.elementsEqual(device.utf8),
          let dash = words.firstIndex(of: "-"), dash + 1 < words.count
        else { continue }
        return String(words[dash + 1])
      }
    }
    guard let found = try? directory.fileSystemStatus() else { return "unknown" }
    switch found.type {
    case FileSystemKind.btrfs: return "btrfs"
    case FileSystemKind.overlay: return "overlay"
    default: return "0x" + String(found.type, radix: 16)
    }
  }
}

/// Files of /proc and /sys.
private enum MachineFile {
  private static let bytesMax = 1 << 20

  static func text(_ path: String) -> String? {
    guard let bytes = try? FileDescriptor.open(path).readAll(limit: bytesMax) else { return nil }
    return String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
  }

  static func lines(_ path: String) -> [Substring] {
    (text(path) ?? "").split(separator: "\n")
  }

  /// The first line; nil if it is empty.
  static func line(_ path: String) -> String? {
    lines(path).first.map { trimmed($0) }
  }

  /// Lines of `name: value`.
  static func pairs(_ path: String) -> [Machine.Pair] {
    var pairs: [Machine.Pair] = []
    for line in lines(path) {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { pairs.append((trimmed(parts[0]), trimmed(parts[1]))) }
    }
    return pairs
  }

  private static func trimmed(_ text: Substring) -> String {
    var bytes = text.utf8[...]
    while let first = bytes.first, first <= UInt8(ascii: " ") { bytes.removeFirst() }
    while let last = bytes.last, last <= UInt8(ascii: " ") { bytes.removeLast() }
    return String(Substring(bytes))
  }
}

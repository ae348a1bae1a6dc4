// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import OSTree
import Support
import Testing

/// The golden data of OSTree, unpacked once.
enum Golden {
  static let folder = PackagePaths.golden + "/ostree"

  /// The four repos, by the names of their folders.
  static let repoNames = ["repo", "xattr-repo", "signed-repo", "os-repo"]

  /// A folder that holds the four repos.
  static let unpacked: TemporaryDirectory = {
    do {
      let directory = try TemporaryDirectory("golden")
      for name in ["tiny-archive", "xattr-archive", "signed-delta", "os-archive"] {
        try mustRun("tar", "-xzf", "\(folder)/\(name)-repo.tar.gz", "-C", directory.path)
      }
      return directory
    } catch { fatalError("golden data: \(error)") }
  }()

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
  }

  /// A file of an unpacked repo.
  static func bytes(_ path: String, in repo: String) throws -> [UInt8] {
    try unpacked.read("\(repo)/\(path)")
  }

  static func object(_ name: ObjectName, in repo: String) throws -> [UInt8] {
    try bytes("objects/\(name.loosePath(archive: true))", in: repo)
  }

  /// A checksum that the test knows.
  static func checksum(_ hex: String) throws -> Checksum { try #require(Checksum(hex: hex)) }

  static let firstSigned = "7a8bcd7a00fdb158ed6c79f0d478c7661dc299bd5058e0253cd408ba94467b2d"
  static let secondSigned = "bbd72358dfffde0ad6706f8a9abef6e7ad666f665d85ba5a03d7f5470d9ce5d7"

  /// All objects of a repo.
  static func objects(in repo: String) throws -> [(name: ObjectName, bytes: [UInt8])] {
    let root = "\(unpacked.path)/\(repo)/objects"
    var found: [(name: ObjectName, bytes: [UInt8])] = []
    for path in try FileManager.default.subpathsOfDirectory(atPath: root).sorted() {
      guard let dot = path.lastIndex(of: ".") else { continue }
      let hex = path[..<dot].replacing("/", with: "")
      let suffix = String(path[path.index(after: dot)...])
      let type = ObjectType.allCases.first { $0.suffix(archive: true) == suffix }
      let name = ObjectName(try checksum(String(hex)), try #require(type))
      found.append((name, try object(name, in: repo)))
    }
    return found
  }

  static func objects(_ type: ObjectType) throws -> [(name: ObjectName, bytes: [UInt8])] {
    try repoNames.flatMap { try objects(in: $0) }.filter { $0.name.type == type }
  }
}

/// Bytes from hex with blanks in it.
func hex(_ text: String) -> [UInt8] {
  let digits = text.filter { $0 != " " && $0 != "\n" }.map { $0 }
  return stride(from: 0, to: digits.count, by: 2).map {
    UInt8(String(digits[$0...$0 + 1]), radix: 16)!
  }
}

/// Random numbers that are the same in every run. SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// `bytes` with one to four things wrong: flipped bits, other bytes, pieces cut out, doubled or
/// moved, the end cut off.
func mutated(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
  var bytes = bytes
  for _ in 0..<Int.random(in: 1...4, using: &random) {
    guard !bytes.isEmpty else { return [UInt8.random(in: 0...255, using: &random)] }
    let at = Int.random(in: 0..<bytes.count, using: &random)
    let length = min(Int.random(in: 1...9, using: &random), bytes.count - at)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[at] = [0, 1, 0x7f, 0x80, 0xff, UInt8.random(in: 0...255, using: &random)][at % 6]
    case 2: bytes.removeSubrange(at..<at + length)
    case 3: bytes.insert(contentsOf: bytes[at..<at + length], at: at)
    case 4: bytes.removeLast(length)
    default: bytes[bytes.count - 1 - at % min(bytes.count, 8)] &+= UInt8(length)
    }
  }
  return bytes
}

// SPDX-License-Identifier: Apache-2.0
import Cryptography

@testable import Bench

enum Samples {
  static func checksum(_ bytes: [UInt8]) -> Checksum { SHA256.hash(bytes) }

  /// A figure as `hash` finds it.
  static func figure(
    _ way: HashMethod.Way, _ rate: UInt64, threads: Int = 1, fileBytes: Int64? = nil,
    isCold: Bool = false
  ) -> (measure: HashMeasure, rate: UInt64) {
    let files = fileBytes.map { HashMeasure.Files.many(bytes: $0) } ?? .bulk
    let measure = HashMeasure(
      method: HashMethod(way: way), files: files, threads: threads, isCold: isCold)
    return (measure, rate)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A reader of foreign bytes. Its promise: a value or an error, never a trap, never without end.
/// What more a run checks it says by a trap of its own.
struct FuzzTarget: Sendable {
  /// Also the name of its folder in `Corpus`.
  let name: String
  let run: @Sendable ([UInt8]) -> Void

  static let all: [FuzzTarget] =
    codecTargets + identityTargets + transportTargets + objectTargets + deltaTargets
    + metadataTargets + [responseTarget, streamTarget, canary]

  /// Breaks on purpose. Who finds nothing here finds nothing anywhere.
  static let canary = FuzzTarget(name: "canary") { bytes in
    let word = Array("coal".utf8)
    for (index, byte) in word.enumerated() {
      guard index < bytes.count, bytes[index] == byte else { return }
    }
    _ = bytes[bytes.count]
  }

  /// The one that the environment names.
  static let chosen: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["COPPICE_FUZZ"] ?? ""
    guard let target = all.first(where: { $0.name == name }) else {
      fatalError("COPPICE_FUZZ is none of \(all.map(\.name).joined(separator: " "))")
    }
    return target
  }()
}

/// libFuzzer's door.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzTarget.chosen.run([UInt8](UnsafeBufferPointer(start: start, count: count)))
  return 0
}

/// What must hold whatever the bytes are.
func require(_ condition: Bool, _ what: String) {
  if !condition { fatalError(what) }
}

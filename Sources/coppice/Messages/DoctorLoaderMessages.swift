// SPDX-License-Identifier: Apache-2.0
import Boot
import Deploy
import Updater

extension Diagnosis {
  static func words(_ found: FoundLoader) -> String {
    let counts = found.loader.countsTrials ? "" : "; it counts no trial boots"
    return "\(found.loader.word): \(reason(found.reason))\(counts)"
  }

  private static func reason(_ reason: LoaderReason) -> String {
    switch reason {
    case .wish: "'loader' in '[boot]' says so"
    case .repoSetting(let value, let path): "'bootloader=\(value)' in '\(path)' says so"
    case .file(let path): "'\(path)' shows it"
    case .files(let path, let other): "'\(path)' and '\(other)' show it"
    case .firmware(let name): "it called itself '\(name)' at this start"
    case .nothingElse: "nothing else was found"
    }
  }

  static func words(_ count: TrialCount) -> String {
    switch count {
    case .idle: "its store counts nothing now"
    case .counting(let left, _):
      left == 1 ? "its store has 1 start left" : "its store has \(left) starts left"
    case .fellBack: "it fell back to position 1"
    }
  }

  static func words(_ proof: StoreProof) -> String {
    switch proof {
    case .proven: "it and this system mean the same store"
    case .untold(let name): "its store is called '\(name)', which it did not tell the kernel"
    case .partitionUntold(let path):
      "nothing tells from which partition it came; its entries are written to '\(path)'"
    case .partitionUnlinked(let path, let partition):
      "it came from partition '\(partition)', and nothing tells whether that is '\(path)'"
    case .unnamed: "its store has no name yet"
    case .differs(let told, let found):
      "it counts in store '\(told)', and the one that is read here "
        + (found.map { "is '\($0)'" } ?? "has no name")
    }
  }
}

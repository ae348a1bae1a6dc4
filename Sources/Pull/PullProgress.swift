// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree
import Synchronization

/// What a pull is at. spec: the phases of `--progress json`.
public enum PullPhase: Int, Sendable {
  case metadata, content, verify, delta
}

/// What a pull has done so far: read by whoever shows it, while the workers count.
public final class PullProgress: Sendable {
  private let phaseNumber = Atomic<Int>(0)
  private let metadata = Atomic<UInt64>(0)
  private let content = Atomic<UInt64>(0)
  private let fetched = Atomic<UInt64>(0)
  private let written = Atomic<UInt64>(0)
  private let total = Atomic<UInt64>(0)
  private let deltaEnd = Atomic<UInt64>(0)
  private let last = Guarded<ObjectName?>(nil)

  public init() {}

  public var phase: PullPhase {
    PullPhase(rawValue: phaseNumber.load(ordering: .relaxed)) ?? .verify
  }
  /// Objects fetched and stored.
  public var metadataObjects: UInt64 { metadata.load(ordering: .relaxed) }
  public var contentObjects: UInt64 { content.load(ordering: .relaxed) }
  /// Body bytes that came over the network.
  public var fetchedBytes: UInt64 { fetched.load(ordering: .relaxed) }
  public var writtenBytes: UInt64 { written.load(ordering: .relaxed) }
  /// Content objects to fetch; 0 before that is known.
  public var contentTotal: UInt64 { total.load(ordering: .relaxed) }
  /// What `fetchedBytes` comes to with the static delta that is being fetched; 0 before that is
  /// known.
  public var deltaBytes: UInt64 { deltaEnd.load(ordering: .relaxed) }
  public var lastObject: ObjectName? { last.withLock { $0 } }

  func enter(_ phase: PullPhase) { phaseNumber.store(phase.rawValue, ordering: .relaxed) }
  func expect(content count: UInt64) { total.store(count, ordering: .relaxed) }
  func expect(deltaBytes count: UInt64) {
    deltaEnd.store(fetchedBytes &+ count, ordering: .relaxed)
  }
  func received(_ bytes: Int) { fetched.add(UInt64(bytes), ordering: .relaxed) }

  func stored(_ name: ObjectName, bytes: UInt64) {
    if name.type == .file {
      content.add(1, ordering: .relaxed)
    } else {
      metadata.add(1, ordering: .relaxed)
    }
    written.add(bytes, ordering: .relaxed)
    last.withLock { $0 = name }
  }
}

/// How objects came from a server.
public struct PullRoute: Hashable, Sendable {
  public var connections: Int
  /// Requests at once on each of them; nil over HTTP/1.1.
  public var streams: Int?
}

/// What a pull has come to.
public struct PullResult: Sendable {
  /// In the order of the targets.
  public var commits: [Checksum] = []
  public var fetchedMetadata: UInt64 = 0
  public var fetchedContent: UInt64 = 0
  public var fetchedBytes: UInt64 = 0
  public var reused: UInt64 = 0
  public var writtenBytes: UInt64 = 0
  public var syncMilliseconds: Int64 = 0
  public var plan = PullPlan()
  /// Static deltas that were used, or that would be, or that should have been.
  public var deltas: [DeltaReport] = []
  /// Nil where nothing was fetched from a server.
  public var route: PullRoute?

  public init() {}
}

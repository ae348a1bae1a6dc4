// SPDX-License-Identifier: Apache-2.0
import OSTree

/// What phase 1 has found out: what phase 2 fetches.
public struct PullPlan: Sendable {
  /// File objects that are not here; one that several folders name counts each time, unless the
  /// commit carries `ostree.sizes`.
  public internal(set) var missingContent: UInt64 = 0
  /// File objects that are here.
  public internal(set) var presentContent: UInt64 = 0
  /// Of the missing ones, on the wire and unpacked, where the commits carry `ostree.sizes`.
  public internal(set) var missingBytes: UInt64?
  public internal(set) var missingUnpackedBytes: UInt64?

  /// What the largest of the commits takes in a repo of this mode: less room will not do.
  var neededBytesMin: UInt64 = 0
  /// Missing file objects of the last commit with a list, each counted once.
  var distinctContent: UInt64?

  public init() {}

  /// Adds what the commit's `ostree.sizes` says of the files that are missing; `counted` of them
  /// are in the trees so far. A list that cannot be read, or is of another tree, promises nothing.
  mutating func addSizes(
    of pulled: PulledCommit, counted: UInt64, _ staging: Staging
  ) throws(PullError) {
    let sizes = try ostree { () throws(OSTreeError) in
      try staging.loadCommit(pulled.checksum).sizes
    }
    guard let sizes else { return }
    var (wire, unpacked, missing): (UInt64, UInt64, UInt64) = (0, 0, 0)
    for index in 0..<sizes.count {
      let size: ObjectSize
      do throws(FormatError) { size = try sizes.size(at: index) } catch { return }
      guard size.name.type == .file else { continue }
      if try ostree({ () throws(OSTreeError) in try staging.contains(size.name) }) { continue }
      missing += 1
      wire = PullPlan.sum(wire, size.archivedBytes)
      unpacked = PullPlan.sum(unpacked, size.unpackedBytes)
    }
    if missing > counted { return }
    distinctContent = missing
    missingBytes = PullPlan.sum(missingBytes ?? 0, wire)
    missingUnpackedBytes = PullPlan.sum(missingUnpackedBytes ?? 0, unpacked)
    neededBytesMin = max(neededBytesMin, staging.repo.mode == .archive ? wire : unpacked)
  }

  private static func sum(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? .max : sum
  }
}

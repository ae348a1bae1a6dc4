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

  public init() {}

  /// Adds what the commit's `ostree.sizes` says of the files that are missing. A list that cannot
  /// be read promises nothing.
  mutating func addSizes(of pulled: PulledCommit, _ staging: Staging) throws(PullError) {
    guard let sizes = pulled.commit.sizes else { return }
    var (wire, unpacked): (UInt64, UInt64) = (missingBytes ?? 0, missingUnpackedBytes ?? 0)
    var missing: UInt64 = 0
    for index in 0..<sizes.count {
      let size: ObjectSize
      do throws(FormatError) { size = try sizes.size(at: index) } catch { return }
      guard size.name.type == .file else { continue }
      if try ostree({ () throws(OSTreeError) in try staging.contains(size.name) }) { continue }
      missing += 1
      wire = wire.addingReportingOverflow(size.archivedBytes).partialValue
      unpacked = unpacked.addingReportingOverflow(size.unpackedBytes).partialValue
    }
    if missing > missingContent { return }  // a list of another tree
    missingContent = missing
    (missingBytes, missingUnpackedBytes) = (wire, unpacked)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec

/// How many manifests there were, and when the last was made: the file `manifest`. The count goes
/// up and is durable before a manifest leaves, so that no two have the same.
struct ManifestRecord {
  private static let file = "manifest"
  private static let group = "manifest"

  var counter: Int64 = 0
  /// Seconds since 1970.
  var time: Int64 = 0

  /// Zero if there were none. Throws `.damaged`: a count that begins anew would be refused for
  /// ever.
  init(in folder: GatewayFolder) throws(GatewayError) {
    guard let file = try folder.readKeyfile(ManifestRecord.file) else { return }
    guard let counter = (try? file.integer(ManifestRecord.group, "counter")) ?? nil,
      counter >= 0, counter < Int64.max
    else { throw .damaged(path: folder.file(ManifestRecord.file)) }
    self.counter = counter
    time = file.string(ManifestRecord.group, "time").flatMap { Timestamp.parse($0) } ?? 0
  }

  func write(to folder: GatewayFolder) throws(GatewayError) {
    var file = GatewayFolder.newKeyfile()
    file.set(ManifestRecord.group, "counter", to: String(counter))
    file.set(ManifestRecord.group, "time", to: Timestamp.text(seconds: time))
    try folder.write(ManifestRecord.file, file)
  }
}

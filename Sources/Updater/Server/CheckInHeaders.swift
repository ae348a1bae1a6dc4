// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
import Transport
import Uptane

/// What a device without a director says of itself whenever it asks for metadata. FoundriesFactory
/// picks the targets by it, and shows its operator what runs where.
/// ```
/// x-ats-tags: devel,test              the tags of the configuration
/// x-ats-target: edge-gw-214           the name of what runs
/// x-ats-ostreehash: 4e67ea…           its commit
/// x-ats-dockerapps: shell,web         the apps that are proven to run
/// ```
/// A header without a value is left out.
struct CheckInHeaders {
  /// A line of what a server reads at most, in its usual configuration, holds several of these.
  static let valueBytesMax = 1024

  var tags: [String] = []
  var image: InstalledImage?
  var apps: [String] = []

  /// Names come from servers and from files: what could end a header is not sent at all.
  var all: [HTTPHeader] {
    let values = [
      ("x-ats-tags", CheckInHeaders.list(tags)), ("x-ats-target", image?.path ?? ""),
      ("x-ats-ostreehash", image?.hashes.sha256 ?? ""),
      ("x-ats-dockerapps", CheckInHeaders.list(apps)),
    ]
    return values.compactMap { name, value in
      guard !value.utf8.isEmpty, value.utf8.count <= CheckInHeaders.valueBytesMax,
        value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
      else { return nil }
      return HTTPHeader(name, value)
    }
  }

  private static func list(_ values: [String]) -> String {
    values.reduce("") { $0.utf8.isEmpty ? $1 : "\($0),\($1)" }
  }
}

extension CheckInHeaders {
  /// Apps are those of the list that the handler has proven last. What cannot be read is not told.
  init(tags: [String], _ image: InstalledImage?, stateFolder: String) {
    (self.tags, self.image) = (tags, image)
    let places = HandlerPlaces(state: stateFolder)
    guard let slots = try? places.readRecord().slots else { return }
    for slot in slots where same(slot.handler, ComposeApps.format) {
      guard let content = slot.proven?.content,
        let file = try? FileDescriptor.open(places.targets.path(of: content)),
        let list = try? file.readAll(limit: ComposeApps.listBytesMax)
      else { continue }
      apps += ComposeApps.names(in: list)
    }
  }
}

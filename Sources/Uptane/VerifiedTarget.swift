// SPDX-License-Identifier: Apache-2.0
public import Codec

/// A target that both repositories name, or the only one there is: what may be fetched and
/// installed.
public struct VerifiedTarget: Sendable {
  public let path: String
  /// Zero for an image of OSTree.
  public let length: UInt64
  /// All that either repository gives; for an image of OSTree the SHA-256 is the commit.
  public let hashes: Hashes
  /// `OSTREE`, `BINARY` or other words; nil if neither repository says.
  public let format: String?
  /// Where to fetch it from, if that is said: the director's word counts more.
  public let uri: String?
  /// The ECUs that shall install it.
  public let ecus: [ECU]
  /// The `custom` of the image repository and of the director, for hooks.
  public let imageCustom: JSONNode?
  public let directorCustom: JSONNode?

  /// Whether it is a commit of OSTree: by its format, or by having no length where none is given.
  public var isOSTree: Bool { isImageOfOSTree(format, length) }
}

private func isImageOfOSTree(_ format: String?, _ length: UInt64) -> Bool {
  format.map { same($0, "OSTREE") } ?? (length == 0)
}

extension VerifiedTarget {
  /// Holds what the director wants against what the image repository has. Uptane Standard 2.1.0,
  /// 5.4.4.2.
  ///
  /// Throws `targetMismatch`, `malformed`, `wrongHardwareID`, `releaseCounter`, all of the image
  /// repository's targets.
  public init(
    _ assignment: Assignment, _ image: Target, for device: Inventory
  ) throws(UptaneError) {
    let comparison = TargetComparison(director: assignment.target, image: image)
    try comparison.checkContent()
    for ecu in assignment.ecus { try comparison.checkHardware(ecu.hardwareID) }
    for ecu in assignment.pending {
      try comparison.checkReleaseCounter(device.image(of: ecu)?.releaseCounter ?? 0)
    }
    path = image.path
    length = image.length
    hashes = Hashes(
      sha256: image.hashes.sha256 ?? assignment.target.hashes.sha256,
      sha512: image.hashes.sha512 ?? assignment.target.hashes.sha512)
    format = try comparison.format()
    if device.primaryIsOSTree, assignment.pending.contains(device.primary) {
      try comparison.checkCommit(isOSTree: isImageOfOSTree(format, length))
    }
    uri = assignment.target.uri ?? image.uri
    ecus = assignment.pending
    imageCustom = image.custom
    directorCustom = assignment.target.custom
  }
}

extension VerifiedTarget {
  /// As the image repository alone has it, where there is no director.
  init(_ image: Target) {
    path = image.path
    length = image.length
    hashes = image.hashes
    format = image.custom?["targetFormat"]?.string
    uri = image.uri
    ecus = []
    imageCustom = image.custom
    directorCustom = nil
  }
}

/// One path, as the two repositories describe it.
private struct TargetComparison {
  let director: Target
  let image: Target
  private let place = Place(repository: .image, role: .targets)
  private var mismatch: UptaneError { place.error(.targetMismatch(path: image.path)) }

  init(director: Target, image: Target) {
    self.director = director
    self.image = image
  }

  func checkContent() throws(UptaneError) {
    guard director.length == image.length, director.hashes.agrees(with: image.hashes) else {
      throw mismatch
    }
  }

  /// A commit is named by its SHA-256 alone: that another hash agrees is not enough.
  func checkCommit(isOSTree: Bool) throws(UptaneError) {
    guard isOSTree, image.hashes.sha256 != nil else { throw mismatch }
  }

  /// An image that does not say which hardware it is for is for none.
  func checkHardware(_ hardwareID: String) throws(UptaneError) {
    let listed = image.custom?["hardwareIds"]
    if let listed, listed.kind != .array { throw place.malformed(.target(path: image.path)) }
    guard listed?.elements.contains(where: { $0.equals(hardwareID) }) ?? false else {
      throw place.error(.wrongHardwareID(path: image.path, hardwareID: hardwareID))
    }
  }

  func checkReleaseCounter(_ installed: Int64) throws(UptaneError) {
    let (first, second) = (try releaseCounter(director), try releaseCounter(image))
    if let first, let second, first != second { throw mismatch }
    guard let found = second ?? first, found < installed else { return }
    throw place.error(
      .releaseCounter(path: image.path, found: found, installed: installed))
  }

  private func releaseCounter(_ target: Target) throws(UptaneError) -> Int64? {
    guard let node = target.custom?["releaseCounter"], !node.isNull else { return nil }
    guard let counter = node.integer else { throw place.malformed(.target(path: target.path)) }
    return counter
  }

  /// Either may say it; if both do they must say the same.
  func format() throws(UptaneError) -> String? {
    let (first, second) = (
      director.custom?["targetFormat"]?.string, image.custom?["targetFormat"]?.string
    )
    if let first, let second, !same(first, second) { throw mismatch }
    return first ?? second
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
public import Uptane

/// Which target a commit is: the file `images`, written before a commit is deployed, so that it can
/// be named whenever it boots. The newest comes last.
/// ```
/// [images]
/// <commit>=edge-gw-2.4.0
/// [versions]
/// <commit>=2.4.0                 missing where the target had none
/// ```
/// What came with the image from the factory stands in `/var/sota/import/installed_versions`.
public struct InstalledImages: Sendable {
  private static let file = "images"
  private static let group = "images"
  private static let versions = "versions"
  private static let imagesMax = 32
  private static let factoryFile = "/var/sota/import/installed_versions"

  private let folder: GatewayFolder
  private let systemRoot: String

  public init(stateFolder: String, systemRoot: String = "") {
    folder = GatewayFolder(state: stateFolder)
    self.systemRoot = systemRoot
  }

  /// What to tell the director of a commit, 64 hexadecimal digits.
  public func image(of commit: String) -> InstalledImage {
    let name =
      folder.readKeyfileIfSound(InstalledImages.file)?.string(InstalledImages.group, commit)
      ?? factoryName(of: commit)
    return name.map { InstalledImage(path: $0, hashes: Hashes(sha256: commit), length: 0) }
      ?? .unknown(commit: commit)
  }

  /// The version of the target that a commit is, 64 hexadecimal digits; nil where it is not known.
  public func version(of commit: String) -> String? {
    folder.readKeyfileIfSound(InstalledImages.file)?.string(InstalledImages.versions, commit)
  }

  /// Durable when it returns.
  public func record(
    target: String, version: String? = nil, commit: String
  ) throws(GatewayError) {
    let old = folder.readKeyfileIfSound(InstalledImages.file)
    var names = (old?.keys(in: InstalledImages.group) ?? []).filter { !same($0, commit) }
    names = Array(names.suffix(InstalledImages.imagesMax - 1))
    var file = GatewayFolder.newKeyfile()
    for name in names {
      guard let target = old?.string(InstalledImages.group, name) else { continue }
      file.set(InstalledImages.group, name, to: target)
    }
    file.set(InstalledImages.group, commit, to: target)
    for name in names {
      guard let version = old?.string(InstalledImages.versions, name) else { continue }
      file.set(InstalledImages.versions, name, to: version)
    }
    if let version { file.set(InstalledImages.versions, commit, to: version) }
    try folder.write(InstalledImages.file, file)
  }

  /// `{"<commit>":"<name>-<version>"}`, as the build of the image left it.
  private func factoryName(of commit: String) -> String? {
    let path = systemRoot + InstalledImages.factoryFile
    guard let file = try? FileDescriptor.open(path),
      let bytes = try? file.readAll(limit: GatewayFolder.byteCountMax),
      let document = try? JSONDocument(parsing: bytes)
    else { return nil }
    return document.root[commit]?.string
  }
}

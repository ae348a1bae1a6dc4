// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// A file of a remote as it was the last time, with what the server said of it.
public struct CachedFile: Hashable, Sendable {
  public var bytes: [UInt8]
  /// Where it came from; nil if from a repo of this machine.
  public var url: String?
  public var etag: String?
  /// Seconds since 1970; nil if the server did not say.
  public var modifiedSeconds: Int64?

  public init(
    bytes: [UInt8], url: String? = nil, etag: String? = nil, modifiedSeconds: Int64? = nil
  ) {
    self.bytes = bytes
    self.url = url
    self.etag = etag
    self.modifiedSeconds = modifiedSeconds
  }
}

/// The summaries of remotes as they were fetched the last time, so that they need not come again:
/// ```
/// REPO/tmp/cache/summaries/REMOTE      summary
/// REPO/tmp/cache/summaries/REMOTE.sig  its signatures
/// ```
/// ETag in the attribute `user.etag`, time of change as the file's: libostree's layout, and it may
/// use what coppice writes. `user.coppice.seal` is coppice's own: SHA-256 of all that, and the URL.
/// What does not fit its seal, and what libostree wrote, is not there. Nothing of the cache is
/// trusted: who reads it verifies it again. What cannot be written must only be fetched again.
public struct SummaryCache: Sendable {
  private let repo: Repo
  private let remote: String

  private static let folder = "tmp/cache/summaries"
  private static let etagAttribute = Array("user.etag".utf8)
  private static let sealAttribute = Array("user.coppice.seal".utf8)
  /// What a server may say in one line of a header.
  private static let attributeBytesMax = 8 << 10

  public init(_ repo: Repo, remote: String) {
    self.repo = repo
    self.remote = remote
  }

  public func summary(limitBytes: Int) -> CachedFile? { read(remote, limitBytes) }

  public func signatures(limitBytes: Int) -> CachedFile? { read("\(remote).sig", limitBytes) }

  /// Replaces what is there; nil takes it away. Whole or not at all, whenever the power goes.
  public func store(summary: CachedFile?, signatures: CachedFile?) {
    // A name that leads elsewhere has no cache.
    guard RefName.isValidRemote(remote) else { return }
    try? write(signatures, "\(remote).sig")
    try? write(summary, remote)
  }

  private func read(_ name: String, _ limitBytes: Int) -> CachedFile? {
    guard RefName.isValidRemote(remote),
      let folder = try? repo.root.openDirectory(SummaryCache.folder),
      let file = try? folder.open(name, [.readOnly, .noFollow, .nonBlocking]),
      let status = try? file.status(), status.type == .regular,
      let bytes = try? file.readAll(limit: limitBytes)
    else { return nil }
    func text(_ attribute: [UInt8]) -> String? {
      guard let value = (try? file.extendedAttribute(attribute)) ?? nil,
        value.count <= SummaryCache.attributeBytesMax
      else { return nil }
      return String(validating: value, as: UTF8.self)
    }
    guard let seal = text(SummaryCache.sealAttribute), let digest = String(seal.utf8.prefix(64)),
      let url = String(seal.utf8.dropFirst(65))
    else { return nil }
    let found = CachedFile(
      bytes: bytes, url: url, etag: text(SummaryCache.etagAttribute),
      modifiedSeconds: status.modifiedSeconds > 0 ? status.modifiedSeconds : nil)
    return digest.utf8.elementsEqual(SummaryCache.digest(of: found).hex.utf8) ? found : nil
  }

  private static func digest(of file: CachedFile) -> Checksum {
    var sha256 = SHA256()
    sha256.update(Array("\(file.url ?? "")\n\(file.etag ?? "")\n".utf8))
    sha256.update(Array("\(file.modifiedSeconds ?? 0)\n".utf8))
    sha256.update(file.bytes)
    return sha256.finish()
  }

  private func write(_ file: CachedFile?, _ name: String) throws(Errno) {
    try repo.root.makeDirectories(SummaryCache.folder, mode: 0o775)
    let folder = try repo.root.openDirectory(SummaryCache.folder)
    // What the server gave no sure name for must come again.
    guard let file, let url = file.url, file.etag != nil || file.modifiedSeconds != nil else {
      _ = try folder.unlinkIfPresent(name)
      return
    }
    if read(name, file.bytes.count) == file { return }
    let temporary = ".\(name).new"
    _ = try folder.unlinkIfPresent(temporary)
    do throws(Errno) {
      let opened = try folder.open(temporary, [.writeOnly, .create, .exclusive, .noFollow])
      try opened.write(file.bytes)
      if let etag = file.etag {
        try opened.setExtendedAttribute(SummaryCache.etagAttribute, Array(etag.utf8))
      }
      let seal = "\(SummaryCache.digest(of: file).hex) \(url)"
      try opened.setExtendedAttribute(SummaryCache.sealAttribute, Array(seal.utf8))
      try opened.setTimes(seconds: file.modifiedSeconds ?? 0)
      try opened.sync()
      try folder.rename(temporary, to: name)
    } catch {
      _ = try? folder.unlinkIfPresent(temporary)
      throw error
    }
  }
}

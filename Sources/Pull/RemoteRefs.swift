// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import OSTree

/// One commit to pull, and the ref that is pointed at it.
struct ResolvedTarget {
  let ref: String?
  let commit: Checksum
  /// What the summary promises.
  let commitBytes: UInt64?
}

/// What a remote says its refs are: by its summary if it has one, else file by file.
struct RemoteRefs {
  let source: PullSource
  let remote: RemoteConfig
  private(set) var summary: Summary?
  private(set) var summaryBytes: [UInt8] = []
  private(set) var signatureBytes: [UInt8]?

  /// Fetches the summary, and verifies it if the remote demands that. A summary may be newer than
  /// the signature that was fetched before it, so a refused one is fetched once more.
  init(_ source: PullSource, _ remote: RemoteConfig, _ trust: RemoteTrust) throws(PullError) {
    self.source = source
    self.remote = remote
    try fetch()
    try checkMode()
    guard trust.verifiesSummary else { return }
    guard summary != nil else { throw .noSummary(url: source.url("summary")) }
    guard signatureBytes != nil else {
      throw .summaryUnsigned(url: source.url("summary.sig"))
    }
    if try !trust.accepts(summary: summaryBytes, signatures: signatureBytes ?? [], source) {
      try fetch()
      guard try trust.accepts(summary: summaryBytes, signatures: signatureBytes ?? [], source)
      else { throw .summaryRefused(url: source.url("summary")) }
    }
  }

  private mutating func fetch() throws(PullError) {
    signatureBytes = try source.file("summary.sig", limitBytes: PullLimits.summaryBytesMax)
    guard let bytes = try source.file("summary", limitBytes: PullLimits.summaryBytesMax) else {
      summary = nil
      return
    }
    summaryBytes = bytes
    do throws(FormatError) { summary = try Summary(parsing: bytes) } catch {
      throw .summaryMalformed(url: source.url("summary"), error)
    }
  }

  /// Without a summary the remote's config says whether it can be pulled from.
  private func checkMode() throws(PullError) {
    if let summary {
      guard let mode = summary.mode, mode != "archive-z2", mode != "archive" else { return }
      throw .notArchive(url: source.url("summary"), mode: mode)
    }
    guard case .server = source else { return }
    let url = source.url("config")
    guard let text = try source.file("config", limitBytes: PullLimits.configBytesMax) else {
      throw .notARepo(url: url)
    }
    let mode: String?
    do throws(KeyfileError) { mode = try Keyfile(parsing: text).string("core", "mode") } catch {
      throw .notARepo(url: url)
    }
    // A config without a mode is of a bare repo: ostree's default.
    guard mode == "archive-z2" || mode == "archive" else {
      throw .notArchive(url: url, mode: mode ?? "bare")
    }
  }

  /// The commits that the options name.
  func resolve(_ options: PullOptions) throws(PullError) -> [ResolvedTarget] {
    var targets = options.targets
    if targets.isEmpty {
      targets = remote.branches.map { .ref($0) }
    }
    if targets.isEmpty, options.isMirror {
      guard let summary else { throw .noSummary(url: source.url("summary")) }
      targets = (0..<summary.refs.count).map { .ref(summary.refs.ref(at: $0).name) }
    }
    if targets.isEmpty { throw .nothingNamed(remote: remote.name) }
    var resolved: [ResolvedTarget] = []
    for target in targets { resolved.append(try resolve(target)) }
    return resolved
  }

  private func resolve(_ target: PullTarget) throws(PullError) -> ResolvedTarget {
    switch target {
    case .commit(let commit):
      return ResolvedTarget(ref: nil, commit: commit, commitBytes: nil)
    case .refAt(let ref, let commit):
      return ResolvedTarget(ref: ref, commit: commit, commitBytes: nil)
    case .ref(let ref):
      if let summary {
        guard let found = summary.lookup(ref, collectionID: remote.collectionID) else {
          throw .unknownRef(ref, url: source.url("summary"))
        }
        return ResolvedTarget(ref: ref, commit: found.checksum, commitBytes: found.sizeBytes)
      }
      return ResolvedTarget(ref: ref, commit: try readRef(ref), commitBytes: nil)
    }
  }

  private func readRef(_ ref: String) throws(PullError) -> Checksum {
    let file = "refs/heads/\(ref)"
    guard let bytes = try source.file(file, limitBytes: PullLimits.refBytesMax) else {
      throw .unknownRef(ref, url: source.url(file))
    }
    let end = bytes.lastIndex { $0 > UInt8(ascii: " ") }.map { $0 + 1 } ?? 0
    guard let text = String(validating: bytes[..<end], as: UTF8.self),
      let commit = Checksum(hex: text)
    else { throw .refMalformed(ref, url: source.url(file)) }
    return commit
  }
}

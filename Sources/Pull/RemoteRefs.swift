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
  /// The ref is a name of this repo alone.
  var isOurs = false
}

/// What a remote says its refs are: by its summary if it has one, else file by file.
struct RemoteRefs {
  let source: PullSource
  let remote: RemoteConfig
  private(set) var summary: Summary?
  /// As they came, for the cache; nil if the remote has none.
  private(set) var summaryFile: CachedFile?
  private(set) var signatureFile: CachedFile?
  /// Whether the static deltas to a commit are listed in a file of their own.
  private(set) var hasIndexedDeltas = false

  /// Asks for the summary if it is not as in the cache, and verifies it if the remote demands that.
  /// What is refused is fetched once more, without the cache: a summary may be newer than the
  /// signature that was fetched before it.
  init(
    _ source: PullSource, _ remote: RemoteConfig, _ trust: RemoteTrust, _ cache: SummaryCache
  ) throws(PullError) {
    self.source = source
    self.remote = remote
    do throws(PullError) { try fetch(cache, trust) } catch {
      switch error {
      case .summaryMalformed, .summaryRefused: try fetch(nil, trust)
      default: throw error
      }
    }
    try checkMode()
  }

  private mutating func fetch(_ cache: SummaryCache?, _ trust: RemoteTrust) throws(PullError) {
    let limit = PullLimits.summaryBytesMax
    signatureFile = try source.file(
      "summary.sig", limitBytes: limit, known: cache?.signatures(limitBytes: limit))
    summaryFile = try source.file(
      "summary", limitBytes: limit, known: cache?.summary(limitBytes: limit))
    guard let summaryFile else {
      if trust.verifiesSummary { throw .noSummary(url: source.url("summary")) }
      summary = nil
      return
    }
    do throws(FormatError) { summary = try Summary(parsing: summaryFile.bytes) } catch {
      throw .summaryMalformed(url: source.url("summary"), error)
    }
    guard trust.verifiesSummary else { return }
    guard let signatures = signatureFile?.bytes else {
      throw .summaryUnsigned(url: source.url("summary.sig"))
    }
    guard try trust.accepts(summary: summaryFile.bytes, signatures: signatures, source) else {
      throw .summaryRefused(url: source.url("summary"))
    }
  }

  /// Without a summary the remote's config says whether it can be pulled from.
  private mutating func checkMode() throws(PullError) {
    if let summary {
      hasIndexedDeltas = summary.hasIndexedDeltas
      guard let mode = summary.mode, mode != "archive-z2", mode != "archive" else { return }
      throw .notArchive(url: source.url("summary"), mode: mode)
    }
    guard case .server = source else { return }
    let url = source.url("config")
    guard let text = try source.file("config", limitBytes: PullLimits.configBytesMax) else {
      throw .notARepo(url: url)
    }
    let config: Keyfile
    do throws(KeyfileError) { config = try Keyfile(parsing: text) } catch {
      throw .notARepo(url: url)
    }
    hasIndexedDeltas = config.string("core", "indexed-deltas") == "true"
    let mode = config.string("core", "mode")
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
    case .named(let ref, let commit):
      return ResolvedTarget(ref: ref, commit: commit, commitBytes: nil, isOurs: true)
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

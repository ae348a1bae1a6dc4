// SPDX-License-Identifier: Apache-2.0
import Configuration
import Deploy
import Linux
public import OSTree

/// What a device follows.
public enum UpdateSource: Sendable {
  /// One ref of one remote, where there is no Uptane server.
  case branch(Branch)
  /// What its server wants, by verified metadata.
  case server(ServerOffer)

  /// Where objects come from.
  public var remote: RemoteConfig {
    switch self {
    case .branch(let branch): branch.remote
    case .server(let offer): offer.remote
    }
  }

  /// In place of the remote's own URL.
  public var url: String? {
    switch self {
    case .branch(let branch): branch.url
    case .server(let offer): offer.url
    }
  }

  /// What the commit is called in the repo, and in the origin of its deployment.
  public var refspec: Refspec {
    switch self {
    case .branch(let branch): branch.refspec
    case .server(let offer): Refspec(remote: offer.remote.name, ref: ServerOffer.ref)
    }
  }

  /// Nil where a remote's ref is followed.
  public var offer: ServerOffer? {
    if case .server(let offer) = self { return offer }
    return nil
  }
}

/// One ref of one remote.
public struct Branch: Sendable {
  public let remote: RemoteConfig
  public let ref: String
  /// In place of the remote's own URL.
  public let url: String?

  var refspec: Refspec { Refspec(remote: remote.name, ref: ref) }
}

extension Branch {
  /// What `[device] remote` and `ref` name; what they leave out comes from `origin`, that of the
  /// deployment at hand.
  ///
  /// `from` is a directory or URL to pull from instead, with the same checks. Throws
  /// `notConfigured`, `unconfigured`, and `unknownRemote` in `ostree`.
  static func find(
    _ settings: Settings, _ origin: Origin?, deployment: Deployment?, _ repo: Repo,
    remotesFolder: String?, from: String?
  ) throws(UpdaterError) -> Branch {
    let isComplete = settings.remote != nil && settings.ref != nil
    if !isComplete, let deployment, let text = origin?.unconfiguredState {
      throw .unconfigured(deployment: deployment.name, text: text)
    }
    // A local ref, or a checksum, leads to no server.
    let followed = origin?.refspec.flatMap { Refspec($0) }.flatMap { $0.remote == nil ? nil : $0 }
    let remoteName = settings.remote ?? followed?.remote
    var ref = settings.ref
    // A ref of another remote means nothing here.
    if ref == nil, let followed, let remoteName, same(followed.remote ?? "", remoteName) {
      ref = followed.ref
    }
    guard let remoteName, let ref else {
      var missing: [Setting] = []
      if remoteName == nil { missing.append(.remote) }
      if ref == nil { missing.append(.ref) }
      throw .notConfigured(missing: missing)
    }
    guard RefName.isValid(ref) else { throw .invalidRef(ref) }
    let remote = try inRepo { () throws(OSTreeError) in
      try repo.remote(remoteName, folder: remotesFolder)
    }
    return Branch(remote: remote, ref: ref, url: try from.map(UpdateSource.location))
  }
}

extension UpdateSource {
  /// The URL of what `--from` names: a URL as it is; a directory that is a repo, or holds one where
  /// a sysroot does, as `file://` with its full path.
  static func location(_ from: String) throws(UpdaterError) -> String {
    for scheme in ["http://", "https://", "file://"] where from.utf8.starts(with: scheme.utf8) {
      return from
    }
    let directory = try openRepoFolder(from)
    let below = try at(from) { () throws(Errno) in
      try directory.contains("objects")
        ? ""
        : try directory.contains("ostree/repo")
          ? "/ostree/repo" : ""
    }
    if from.utf8.first == UInt8(ascii: "/") { return "file://\(from)\(below)" }
    let working = try at(".") { () throws(Errno) in
      try FileDescriptor.openDirectory("/proc/self").symbolicLinkTarget(of: "cwd")
    }
    return "file://\(working)/\(from)\(below)"
  }

  /// What is not there, a stick for example, is no repo.
  private static func openRepoFolder(_ path: String) throws(UpdaterError) -> FileDescriptor {
    do throws(Errno) { return try FileDescriptor.openDirectory(path) } catch {
      if error == .notFound || error == .notDirectory { throw .ostree(.notARepo(path: path)) }
      throw .file(path: path, error)
    }
  }
}

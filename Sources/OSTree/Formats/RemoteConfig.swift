// SPDX-License-Identifier: Apache-2.0
import Codec

/// Where commits come from, and what they must prove: `[remote "NAME"]`. ostree.repo-config(5).
public struct RemoteConfig: Sendable {
  /// A list of servers in place of one, which is looked up first.
  public enum Location: Hashable, Sendable {
    case url(String)
    /// A text file with one URL a line.
    case mirrorList(String)
    /// An XML file that names the summary.
    case metalink(String)
  }

  public let name: String
  /// The file that says so, for messages.
  public let path: String
  public let location: Location
  /// Where objects come from, if not from `location`.
  public let contentLocation: Location?
  /// The refs that are pulled when none are named.
  public let branches: [String]

  /// Commits must be signed by GPG, which coppice cannot check. True unless switched off.
  public let demandsGPG: Bool
  /// The same for the summary. False unless switched on.
  public let demandsGPGForSummary: Bool
  public let signaturePolicy: SignaturePolicy
  public let summarySignaturePolicy: SignaturePolicy
  let keySettings: [SignatureEngine: KeySetting]

  /// Certificates of servers are not checked.
  public let isPermissive: Bool
  /// Of the client, both or neither.
  public let certificatePath: String?
  public let privateKeyPath: String?
  /// PEM file of the authorities that replace the system's.
  public let authoritiesPath: String?
  /// HTTP/2 may be spoken.
  public let allowsHTTP2: Bool
  public let proxy: String?
  public let collectionID: String?
  /// Why this remote cannot be used, in the words of whoever set it up.
  public let unconfiguredState: String?
  /// Another program's business.
  public let customBackend: String?

  /// Where the trusted keys of one engine are.
  struct KeySetting: Hashable, Sendable {
    var key: String?
    var file: String?
  }

  /// The URL of `location`, whichever kind it is.
  public var url: String { location.text }
  /// The URL for objects, if it is another one.
  public var contentURL: String? { contentLocation?.text }

  /// Reads the group of the remote `name`. `path` is the file, for errors.
  public init(_ name: String, in keyfile: Keyfile, path: String) throws(OSTreeError) {
    let section = KeyfileSection(keyfile, RemoteConfig.group(name), path: path)
    guard RefName.isValidRemote(name) else { throw .invalidRef(name) }
    self.name = name
    self.path = path
    unconfiguredState = section.string("unconfigured-state")
    customBackend = section.string("custom-backend")
    location = try RemoteConfig.location(section, mayLack: customBackend != nil)
    contentLocation = section.text("contenturl").map { Location(parsing: $0) }
    branches = section.list("branches")

    demandsGPG = try section.boolean("gpg-verify") ?? true
    demandsGPGForSummary = try section.boolean("gpg-verify-summary") ?? false
    signaturePolicy = try SignaturePolicy.parse(section, "sign-verify")
    summarySignaturePolicy = try SignaturePolicy.parse(section, "sign-verify-summary")
    var settings: [SignatureEngine: KeySetting] = [:]
    for engine in SignatureEngine.allCases {
      settings[engine] = KeySetting(
        key: section.text("verification-\(engine.rawValue)-key"),
        file: section.text("verification-\(engine.rawValue)-file"))
    }
    keySettings = settings

    isPermissive = try section.boolean("tls-permissive") ?? false
    certificatePath = section.text("tls-client-cert-path")
    privateKeyPath = section.text("tls-client-key-path")
    if certificatePath != nil, privateKeyPath == nil {
      throw section.missing("tls-client-key-path")
    }
    if certificatePath == nil, privateKeyPath != nil {
      throw section.missing("tls-client-cert-path")
    }
    authoritiesPath = section.text("tls-ca-path")
    allowsHTTP2 = try section.boolean("http2") ?? true
    proxy = section.text("proxy")
    collectionID = section.text("collection-id")
    if let collectionID, !RefName.isValidCollection(collectionID) {
      throw section.fault("collection-id")
    }
  }

  private static func location(
    _ section: KeyfileSection, mayLack: Bool
  ) throws(OSTreeError) -> Location {
    if let metalink = section.text("metalink") { return .metalink(metalink) }
    if let url = section.text("url") { return Location(parsing: url) }
    if mayLack { return .url("") }
    throw section.missing("url")
  }
}

extension RemoteConfig.Location {
  /// `mirrorlist=URL`, or a URL.
  init(parsing text: String) {
    let mark = "mirrorlist="
    if text.utf8.starts(with: mark.utf8) {
      self = .mirrorList(String(decoding: text.utf8.dropFirst(mark.utf8.count), as: UTF8.self))
    } else {
      self = .url(text)
    }
  }

  var text: String {
    switch self {
    case .url(let text), .mirrorList(let text), .metalink(let text): text
    }
  }
}

// All remotes of a repo.
extension RemoteConfig {
  /// The group of a remote in a keyfile; the quotes belong to the name.
  public static func group(_ name: String) -> String { "remote \"\(name)\"" }

  /// The remote that a group is about, or nil if it is about something else.
  static func name(ofGroup group: String) -> String? {
    let (front, back) = ("remote \"", "\"")
    let bytes = group.utf8
    guard bytes.count > front.utf8.count, bytes.starts(with: front.utf8),
      bytes.last == back.utf8.first
    else { return nil }
    return String(decoding: bytes.dropFirst(front.utf8.count).dropLast(), as: UTF8.self)
  }

  /// The names of the remotes that `keyfile` describes, in its order.
  public static func names(in keyfile: Keyfile) -> [String] {
    keyfile.groups.compactMap { name(ofGroup: $0) }
  }

  /// The remotes of several files, the repo's `config` first and then those of `remotes.d` by
  /// name, sorted by the bytes of their names. Throws `remoteExists` for one that is there twice.
  public static func all(
    in files: [(path: String, keyfile: Keyfile)]
  ) throws(OSTreeError) -> [RemoteConfig] {
    var remotes: [RemoteConfig] = []
    for file in files {
      for name in names(in: file.keyfile) {
        if remotes.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
          throw .remoteExists(name)
        }
        remotes.append(try RemoteConfig(name, in: file.keyfile, path: file.path))
      }
    }
    return remotes.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}

// SPDX-License-Identifier: Apache-2.0
public import Codec
import Cryptography
import Linux

/// The container apps that an OSTree target brings along, as FoundriesFactory publishes them:
/// ```json
/// "docker_compose_apps": {"shellhttpd": {"uri": "hub.example.com/acme/shellhttpd@sha256:…"}}
/// ```
/// They go to the handler `docker-compose-apps`, with the system of that target, as a list that a
/// shell can read: a first line `coppice-apps 1`, then `NAME URI` for each app. Each is named by a
/// digest in metadata that was verified, so the list is as much to be trusted.
public enum ComposeApps {
  /// The format of a target that is such a list.
  public static let format = "docker-compose-apps"

  /// More than any device runs.
  static let appsMax = 256
  static let firstLine = "coppice-apps 1\n"

  /// The list, or nil where `custom` speaks of no apps. No apps at all are an empty list: what ran
  /// before is to be stopped. Throws `target` for what is no such object.
  public static func list(
    in custom: JSONNode?, of target: String
  ) throws(UpdaterError) -> [UInt8]? {
    guard let apps = custom?["docker_compose_apps"] else { return nil }
    guard apps.kind == .object, apps.count <= appsMax else { throw .target(target, .apps) }
    var lines: [String] = []
    for (name, app) in apps.members {
      guard isName(name), let uri = app["uri"]?.string, isURI(uri) else {
        throw .target(target, .apps)
      }
      lines.append("\(name) \(uri)\n")
    }
    // In one order, whatever the metadata has: the same apps are the same content.
    lines.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return lines.reduce(into: Array(firstLine.utf8)) { $0 += Array($1.utf8) }
  }

  /// Above what the most apps with the longest names take.
  static let listBytesMax = 256 << 10

  /// The names in such a list, in its order; none in anything else.
  static func names(in list: [UInt8]) -> [String] {
    guard list.starts(with: firstLine.utf8) else { return [] }
    return list.dropFirst(firstLine.utf8.count).split(separator: 10).compactMap { line in
      let name = String(decoding: line.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
      return isName(name) ? name : nil
    }
  }

  /// What Compose takes as the name of a project.
  private static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, isLetterOrDigit(first), name.utf8.count <= 64 else {
      return false
    }
    return name.utf8.allSatisfy {
      isLetterOrDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
    }
  }

  /// `REGISTRY/PATH@sha256:DIGEST`.
  private static func isURI(_ uri: String) -> Bool {
    let separator = "@sha256:"
    guard uri.utf8.count <= 512, uri.utf8.count > 64 + separator.utf8.count else { return false }
    let digest = String(decoding: uri.utf8.suffix(64), as: UTF8.self)
    let rest = uri.utf8.dropLast(64)
    guard Checksum(hex: digest) != nil,
      rest.suffix(separator.utf8.count).elementsEqual(separator.utf8),
      let first = rest.first, isLetterOrDigit(first)
    else { return false }
    return rest.dropLast(separator.utf8.count).allSatisfy { byte in
      isLetterOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        || "._-/:".utf8.contains(byte)
    }
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }
}

extension TargetFolder {
  /// Puts a content there that was made here. Durable when it returns.
  public func store(_ bytes: [UInt8]) throws(UpdaterError) -> TargetContent {
    guard
      let content = TargetContent(
        lengthBytes: UInt64(bytes.count), sha256: SHA256.hash(bytes))
    else { die("a content without a length") }
    try at(path(of: content)) { () throws(Errno) in
      try make().replaceFile(content.fileName, with: bytes, mode: 0o600)
    }
    return content
  }
}

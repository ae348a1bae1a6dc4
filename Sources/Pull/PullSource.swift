// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree
import Transport

/// Where a pull takes from: a server, or a repo on this machine (`file://`).
enum PullSource {
  case server(HTTPServer)
  case local(Repo)

  struct HTTPServer {
    let client: HTTPClient
    /// For refs, summary, config and detached metadata.
    let base: HTTPURL
    /// For all other objects; ostree's name for it, `contenturl`, is misleading.
    let contentBase: HTTPURL
  }

  /// How many workers fetch objects, of `wanted` at most.
  func workers(_ wanted: Int) -> Int {
    switch self {
    case .server(let server): server.client.connections(to: server.contentBase, wanted: wanted)
    case .local: wanted
    }
  }

  /// How objects came; nil from a repo on this machine.
  func route(_ wanted: Int) -> PullRoute? {
    guard case .server(let server) = self,
      let spoken = server.client.spokenProtocol(with: server.contentBase)
    else { return nil }
    var route = PullRoute(connections: workers(wanted))
    if case .http2(let streams) = spoken { route.streams = streams }
    return route
  }

  /// How a file of the source is called in messages.
  func url(_ file: String) -> String {
    switch self {
    case .server(let server): server.base.appending(file).text
    case .local(let repo): "file://\(repo.path)/\(file)"
    }
  }

  /// A small file at the top of the source, whole; nil if there is none.
  func file(_ file: String, limitBytes: Int) throws(PullError) -> [UInt8]? {
    switch self {
    case .server(let server):
      return try PullSource.get(server.client, server.base.appending(file), limitBytes)?.bytes
    case .local(let repo):
      return try ostree { () throws(OSTreeError) in
        try repo.readFile(file, limitBytes: limitBytes)
      }
    }
  }

  /// A small file beside the objects of a server, whole; nil if there is none.
  func contentFile(_ file: String, limitBytes: Int) throws(PullError) -> [UInt8]? {
    guard case .server(let server) = self else {
      return try self.file(file, limitBytes: limitBytes)
    }
    return try PullSource.get(server.client, server.contentBase.appending(file), limitBytes)?.bytes
  }

  /// The same, asking a server whether it is still as `known`.
  func file(_ file: String, limitBytes: Int, known: CachedFile?) throws(PullError) -> CachedFile? {
    guard case .server(let server) = self else {
      return try self.file(file, limitBytes: limitBytes).map { CachedFile(bytes: $0) }
    }
    let url = server.base.appending(file)
    let known = known?.url == url.text ? known : nil  // Another server may use the same names.
    return try PullSource.get(server.client, url, limitBytes, known: known)
  }

  /// An object of metadata, whole and not yet verified; nil if there is none.
  func object(_ name: ObjectName, limitBytes: UInt64) throws(PullError) -> [UInt8]? {
    switch self {
    case .server(let server):
      let base = name.type == .commitMeta ? server.base : server.contentBase
      let url = base.appending("objects/\(name.loosePath(archive: true))")
      do throws(PullError) {
        return try PullSource.get(server.client, url, Int(clamping: limitBytes))?.bytes
      } catch {
        if case .transport(.tooLarge(let url, let limit)) = error {
          throw .tooLarge(name, url: url, limitBytes: limit)
        }
        throw error
      }
    case .local(let repo):
      do throws(OSTreeError) { return try repo.loadBytes(name, limitBytes: limitBytes) } catch {
        switch error {
        case .missing: return nil
        case .tooLarge(_, let limit):
          throw .tooLarge(name, url: objectURL(name), limitBytes: limit)
        default: throw .ostree(error)
        }
      }
    }
  }

  func objectURL(_ name: ObjectName) -> String {
    switch self {
    case .server(let server):
      let base = name.type == .commitMeta ? server.base : server.contentBase
      return base.appending("objects/\(name.loosePath(archive: true))").text
    case .local: return url(name.path)
    }
  }

  /// Opens the remote: reads keys and certificates, or the local repo. Only a list of mirrors is
  /// fetched here, of which the first that has a config is taken.
  static func open(
    _ remote: RemoteConfig, _ options: PullOptions
  ) throws(PullError) -> PullSource {
    let text = options.url ?? remote.url
    if let path = localPath(text) {
      return .local(try ostree { () throws(OSTreeError) in try Repo.open(path) })
    }
    let client = try client(remote, options)
    var base: HTTPURL
    if options.url == nil, case .mirrorList(let list) = remote.location {
      base = try mirror(try parse(list), client)
    } else if options.url == nil, case .metalink = remote.location {
      throw .unsupportedLocation(remote: remote.name, text)
    } else {
      base = try parse(text)
    }
    var contentBase = base
    if options.url == nil, let location = remote.contentLocation {
      switch location {
      case .url(let text): contentBase = try parse(text)
      case .mirrorList(let list): contentBase = try mirror(try parse(list), client)
      case .metalink(let text): throw .unsupportedLocation(remote: remote.name, text)
      }
    }
    return .server(HTTPServer(client: client, base: base, contentBase: contentBase))
  }

  /// The path of a `file://` URL, nil for any other.
  private static func localPath(_ url: String) -> String? {
    let scheme = "file://"
    guard url.utf8.starts(with: scheme.utf8) else { return nil }
    return String(url.utf8.dropFirst(scheme.utf8.count))
  }

  private static func parse(_ text: String) throws(PullError) -> HTTPURL {
    guard let url = HTTPURL(text) else { throw .transport(.url(text)) }
    return url
  }

  private static func client(
    _ remote: RemoteConfig, _ options: PullOptions
  ) throws(PullError) -> HTTPClient {
    var transport = TransportOptions()
    let server = options.server
    transport.caFile = remote.authoritiesPath ?? server.authoritiesPath
    // One and the other belong together, and stand in the same place.
    let isRemotes = remote.certificatePath != nil
    transport.certificateFile = isRemotes ? remote.certificatePath : server.certificatePath
    transport.privateKeyFile = isRemotes ? remote.privateKeyPath : server.privateKeyPath
    transport.verifiesPeer = !remote.isPermissive
    transport.offersHTTP2 = remote.allowsHTTP2
    transport.limitRateBytesPerSecond = options.limitRateBytesPerSecond
    if let seconds = options.lowSpeedSeconds { transport.lowSpeedSeconds = seconds }
    if let retries = options.retriesMax { transport.retriesMax = retries }
    if let userAgent = options.userAgent { transport.userAgent = userAgent }
    switch remote.proxy.map({ .url($0) }) ?? server.proxy {
    case .environment: transport.proxy = .environment
    case .none: transport.proxy = .none
    case .url(let text): transport.proxy = .url(try parse(text))
    }
    do throws(TransportError) { return try HTTPClient(transport) } catch {
      throw .transport(error)
    }
  }

  /// The first server of a list, one URL a line, that has a repo.
  private static func mirror(_ list: HTTPURL, _ client: HTTPClient) throws(PullError) -> HTTPURL {
    guard let text = try get(client, list, PullLimits.mirrorListBytesMax)?.bytes else {
      throw .notARepo(url: list.text)
    }
    for line in text.split(separator: UInt8(ascii: "\n")) where line.first != UInt8(ascii: "#") {
      let trimmed = line.filter { $0 > UInt8(ascii: " ") }
      guard let url = HTTPURL(String(decoding: trimmed, as: UTF8.self)) else { continue }
      let config: [UInt8]?
      do throws(PullError) {
        config = try get(client, url.appending("config"), PullLimits.configBytesMax)?.bytes
      } catch {
        if case .interrupted = error { throw error }
        continue
      }
      if config != nil { return url }
    }
    throw .notARepo(url: list.text)
  }

  /// `known` is given back where the server says that it is still the same.
  private static func get(
    _ client: HTTPClient, _ url: HTTPURL, _ limitBytes: Int, known: CachedFile? = nil
  ) throws(PullError) -> CachedFile? {
    let conditions = known.map {
      Conditions(
        etag: $0.etag, lastModified: $0.modifiedSeconds.flatMap { HTTPDate.text(seconds: $0) })
    }
    do throws(TransportError) {
      switch try client.get(url, limitBytes: limitBytes, conditions: conditions) {
      case .notModified: return known
      case .body(let bytes, let conditions):
        return CachedFile(
          bytes: bytes, url: url.text, etag: conditions.etag,
          modifiedSeconds: conditions.lastModified.flatMap(HTTPDate.parse))
      }
    } catch {
      if case .notFound = error { return nil }
      if case .interrupted = error { throw .interrupted }
      throw .transport(error)
    }
  }
}

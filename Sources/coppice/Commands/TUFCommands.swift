// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
import Transport
import Updater
import Uptane

extension Command {
  static let tuf = Command(
    "tuf", "follows a plain TUF repository", commands: [tufInit, tufRefresh, tufDownload])

  private static let tufInit = Command(
    "init", "trusts a first root",
    details: "The root must be signed by itself. The same root once more changes nothing; another "
      + "one does not replace it.",
    operands: [.one("ROOT.json")], options: [TUF.metadataDirectory]
  ) { session throws(Message) in
    let store = try TUF.store(session)
    let path = session.arguments.operands[0]
    let bytes: [UInt8]
    do throws(Errno) {
      bytes = try FileDescriptor.open(path).readAll(limit: TUF.rootBytesMax)
    } catch {
      if error == .notFound {
        throw Message(.usage, "no-such-file", "there is no file '\(path)'", path: path)
      }
      throw error.message(path, verb: "read")
    }
    try reporting { () throws(MetadataError) in
      try store.trust(root: bytes, VerificationPolicy(.image))
    }
    return .done
  }

  private static let tufRefresh = Command(
    "refresh", "brings the metadata up to date",
    details: "Asks for the next roots, timestamp, snapshot and targets, as the client workflow of "
      + "the TUF specification has it. What was accepted stays, whatever comes after it.",
    options: TUF.refreshOptions
  ) { session throws(Message) in
    let refresh = try TUF.refresh(session)
    return try reporting { () throws(MetadataError) in
      let targets = try refresh.run()
      return Outcome(members: TUF.members(targets))
    }
  }

  private static let tufDownload = Command(
    "download", "brings the metadata up to date and fetches a target file",
    details: "The file is stored in DIR under its path, percent-encoded, once its length and all "
      + "its hashes hold. If it is there already it is not fetched.",
    options: TUF.refreshOptions + [
      Option("target-name", .text("PATH"), help: "the target's path"),
      Option("target-base-url", .text("URL"), help: "what stands before the paths of targets"),
      Option("target-dir", .text("DIR"), help: "where to put it"),
    ]
  ) { session throws(Message) in
    let refresh = try TUF.refresh(session)
    let path = try TUF.value("target-name", session)
    let base = try TUF.url("target-base-url", session)
    let folder = try TUF.value("target-dir", session)
    let client = try TUF.client(session)
    var members: [(String, JSONValue)] = []
    let (target, prefixed) = try reporting { () throws(MetadataError) in
      let (search, prefixed) = try TUF.search(refresh, path, &members)
      return (try refresh.complete(search), prefixed)
    }
    let file = try reporting { () throws(UpdaterError) in
      try TargetDownload(client, base, folder: folder).run(target, prefixed: prefixed)
    }
    try session.terminal.line(file.path)
    return Outcome(
      members: members + [
        ("target", .string(path)), ("file", .string(file.path)),
        ("fetched", .boolean(file.wasFetched)),
      ])
  }
}

/// What the commands of `tuf` have in common.
private enum TUF {
  static let metadataDirectory = Option(
    "metadata-dir", .text("DIR"), help: "where the trusted metadata are kept")
  static let refreshOptions = [
    metadataDirectory,
    Option("metadata-url", .text("URL"), help: "where the server has its metadata"),
    Option("now", .text("TIME"), help: "verify as of this time, for example 2027-03-01T12:00:00Z"),
  ]
  static let rootBytesMax = 64 << 20

  static func value(_ name: String, _ session: Session) throws(Message) -> String {
    guard let value = session.arguments.value(name), !value.utf8.isEmpty else {
      throw Message(
        .usage, "missing-argument", "'coppice tuf' needs '--\(name)'", hint: "see '--help'")
    }
    return value
  }

  static func url(_ name: String, _ session: Session) throws(Message) -> HTTPURL {
    let text = try value(name, session)
    guard let url = HTTPURL(text) else { throw TransportError.url(text).message }
    return url
  }

  static func store(_ session: Session) throws(Message) -> MetadataStore {
    MetadataStore(folder: try value(metadataDirectory.name, session))
  }

  static func client(_ session: Session) throws(Message) -> HTTPClient {
    let options = TransportOptions(try session.settings())
    return try reporting { () throws(TransportError) in try HTTPClient(options) }
  }

  static func refresh(
    _ session: Session
  ) throws(Message) -> MetadataRefresh<ServerMetadata, MetadataStore> {
    let base = try url("metadata-url", session)
    Process.catchInterrupts()
    var refresh = MetadataRefresh(
      VerificationPolicy(.image), ServerMetadata(try client(session), base), try store(session),
      now: try time(session))
    // Nothing is asked for that the workflow does not ask for.
    refresh.asksTwice = false
    return refresh
  }

  private static func time(_ session: Session) throws(Message) -> Int64 {
    guard let text = session.arguments.value("now") else { return Clock.wallSeconds }
    guard let time = Timestamp.parse(text) else {
      throw Message(
        .usage, "bad-value", "option '--now' has the value '\(text)'",
        hint: "use a time as 2027-03-01T12:00:00Z")
    }
    return time
  }

  /// The search and whether target files carry a hash in their names. The targets themselves are
  /// out of memory when this returns.
  static func search(
    _ refresh: MetadataRefresh<ServerMetadata, MetadataStore>, _ path: String,
    _ members: inout [(String, JSONValue)]
  ) throws(MetadataError) -> (TargetSearch, Bool) {
    let targets = try refresh.run()
    members = TUF.members(targets)
    return (targets.search(for: path), targets.hasConsistentSnapshots)
  }

  static func members(_ targets: borrowing TrustedTargets) -> [(String, JSONValue)] {
    [
      ("root", .integer(targets.rootVersion)),
      ("snapshot", targets.snapshotVersion.map { .integer($0) } ?? .null),
      ("targets", .integer(targets.version)),
      ("expires", .string(Timestamp.text(seconds: targets.expires))),
    ]
  }
}

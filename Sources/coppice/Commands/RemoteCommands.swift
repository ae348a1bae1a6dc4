// SPDX-License-Identifier: Apache-2.0
import Codec
import OSTree

extension Command {
  static let remote = Command(
    "remote", "shows and changes where commits come from",
    commands: [remoteAdd, remoteList, remoteShowURL, remoteDelete])

  private static let remoteAdd = Command(
    "add", "adds a remote",
    details: "On a booted system it becomes a file in /etc/ostree/remotes.d, else a part of the "
      + "repo's own configuration. BRANCHes are what a pull fetches when it names no ref.",
    operands: [.one("NAME"), .one("URL"), .any("BRANCH")],
    options: [
      Option("set", .text("KEY=VALUE"), repeats: true, help: "set a further key of the remote"),
      Option(
        "sign-verify", .text("ed25519=inline:KEY|ed25519=file:PATH"), repeats: true,
        help: "demand commits that are signed by this key, or by one of this file, in base64"),
      Option("no-sign-verify", help: "demand no signatures"),
      Option("no-gpg-verify", help: "demand no GPG signatures; coppice never does unless told to"),
      Option("if-not-exists", help: "do nothing if there is such a remote"),
    ]
  ) { session throws(Message) in
    let arguments = session.arguments
    var addition = RemoteAddition(arguments.operands[0], url: arguments.operands[1])
    addition.branches = Array(arguments.operands.dropFirst(2))
    try RemoteOptions.apply(arguments, to: &addition)
    let repo = try session.writableRepo()
    let folder = session.remotesFolder
    let isBooted = session.isBootedSysroot
    let remote = addition
    let ignoresExisting = arguments.isFlag("if-not-exists")
    try reporting { () throws(OSTreeError) in
      do throws(OSTreeError) {
        try repo.addRemote(remote, folder: folder, addsToFolder: isBooted && folder != nil)
      } catch {
        if case .remoteExists = error, ignoresExisting { return }
        throw error
      }
    }
    return .done
  }

  private static let remoteList = Command(
    "list", "lists the remotes",
    options: [Option("show-urls", short: "u", help: "show also their URLs")]
  ) { session throws(Message) in
    let repo = try session.repo()
    let folder = session.remotesFolder
    let showsURLs = session.arguments.isFlag("show-urls")
    let remotes = try reporting { () throws(OSTreeError) in try repo.remotes(folder: folder) }
    let width = remotes.map { $0.name.utf8.count }.max() ?? 0
    for remote in remotes {
      let gap = String(repeating: " ", count: width - remote.name.utf8.count + 2)
      try session.terminal.line(showsURLs ? "\(remote.name)\(gap)\(remote.url)" : remote.name)
    }
    return Outcome(members: [("remotes", .array(remotes.map { RemoteOptions.member($0) }))])
  }

  private static let remoteShowURL = Command(
    "show-url", "shows the URL of a remote", operands: [.one("NAME")]
  ) { session throws(Message) in
    let repo = try session.repo()
    let name = session.arguments.operands[0]
    let folder = session.remotesFolder
    let remote = try reporting { () throws(OSTreeError) in
      try repo.remote(name, folder: folder)
    }
    try session.terminal.line(remote.url)
    return Outcome(members: [("url", .string(remote.url))])
  }

  private static let remoteDelete = Command(
    "delete", "removes a remote; what was pulled from it stays", operands: [.one("NAME")],
    options: [Option("if-exists", help: "do nothing if there is no such remote")]
  ) { session throws(Message) in
    let repo = try session.writableRepo()
    let name = session.arguments.operands[0]
    let folder = session.remotesFolder
    let ignoresMissing = session.arguments.isFlag("if-exists")
    try reporting { () throws(OSTreeError) in
      do throws(OSTreeError) { try repo.deleteRemote(name, folder: folder) } catch {
        if case .unknownRemote = error, ignoresMissing { return }
        throw error
      }
    }
    return .done
  }
}

/// What `remote add` is told.
private enum RemoteOptions {
  static func apply(
    _ arguments: Arguments, to remote: inout RemoteAddition
  ) throws(Message) {
    for setting in arguments.values("set") {
      let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw Message(
          .usage, "bad-value", "option '--set' has the value '\(setting)'",
          hint: "use '--set KEY=VALUE'")
      }
      remote.settings.append((key: String(parts[0]), value: String(parts[1])))
    }
    for demand in arguments.values("sign-verify") { try apply(demand, to: &remote) }
    if arguments.isFlag("no-sign-verify") { remote.signVerify = "false" }
  }

  private static func apply(
    _ demand: String, to remote: inout RemoteAddition
  ) throws(Message) {
    for (front, key) in [
      ("ed25519=inline:", "verification-ed25519-key"),
      ("ed25519=file:", "verification-ed25519-file"),
    ] where demand.utf8.starts(with: front.utf8) {
      var value = String(decoding: demand.utf8.dropFirst(front.utf8.count), as: UTF8.self)
      if key == "verification-ed25519-key", Base64.decode(value)?.count != 32 { break }
      // The remote is used from other directories than this.
      if key == "verification-ed25519-file" { value = try Session.absolutePath(value) }
      remote.settings.append((key: key, value: value))
      remote.signVerify = "ed25519"
      return
    }
    throw Message(
      .usage, "bad-value", "option '--sign-verify' has the value '\(demand)'",
      hint: "use 'ed25519=inline:KEY' with a key of 32 bytes in base64, or 'ed25519=file:PATH'")
  }

  static func member(_ remote: RemoteConfig) -> JSONValue {
    .object([
      ("name", .string(remote.name)), ("url", .string(remote.url)),
      ("content_url", .string(orNull: remote.contentURL)),
      ("branches", .array(remote.branches.map { .string($0) })), ("file", .string(remote.path)),
    ])
  }
}

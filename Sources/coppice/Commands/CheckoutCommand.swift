// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import OSTree

extension Command {
  static let checkout = Command(
    "checkout", "makes a commit's tree of files as DIR, which must not be there yet",
    details: "Every object is hashed on the way, hard links too.",
    operands: [.one("REF"), .one("DIR")],
    options: [
      Option(
        "user-mode", short: "U",
        help: "the files become yours: no owner, no extended attributes, no set-user-id bits"),
      Option(
        "require-hardlinks", short: "H",
        help: "fail where a file cannot be a hard link into the repo, instead of copying it"),
      Option("subpath", .text("PATH"), help: "only this folder of the commit"),
    ]
  ) { session throws(Message) in
    let repo = try session.repo()
    let revision = session.arguments.operands[0]
    let (parent, name) = CheckoutCommand.split(session.arguments.operands[1])
    let subpath = session.arguments.value("subpath") ?? "/"
    var options = CheckoutOptions()
    if session.arguments.isFlag("user-mode") { options.mode = .user }
    options.requiresHardLinks = session.arguments.isFlag("require-hardlinks")
    options.verifies = true
    let chosen = options
    let report: CheckoutReport
    do throws(OSTreeError) {
      let commit = try repo.resolve(revision)
      report = try CheckoutCommand.run(repo, commit, subpath, parent, name, chosen)
    } catch { throw error.below(parent).message }
    return Outcome(members: [
      ("linked", .unsigned(report.linked)), ("copied", .unsigned(report.copied)),
      ("directories", .unsigned(report.directories)),
      ("copied_bytes", .unsigned(report.copiedBytes)),
    ])
  }
}

private enum CheckoutCommand {
  /// The folder that holds `path`, and its name in it.
  static func split(_ path: String) -> (parent: String, name: String) {
    var bytes = path.utf8[...]
    while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else {
      return (".", String(decoding: bytes, as: UTF8.self))
    }
    let parent = slash == bytes.startIndex ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
    return (parent, String(decoding: bytes[bytes.index(after: slash)...], as: UTF8.self))
  }

  static func run(
    _ repo: Repo, _ commit: Checksum, _ subpath: String, _ parent: String, _ name: String,
    _ options: CheckoutOptions
  ) throws(OSTreeError) -> CheckoutReport {
    let directory: FileDescriptor
    do throws(Errno) { directory = try FileDescriptor.openDirectory(parent) } catch {
      throw .file(path: ".", error)
    }
    return try repo.checkout(
      commit, subpath: subpath, at: directory, name: name, options: options)
  }
}

extension OSTreeError {
  /// A checkout's errors name files from the new tree on: with the folder that it is made in.
  fileprivate func below(_ parent: String) -> OSTreeError {
    func full(_ path: String) -> String {
      if path == "." { return parent }
      return parent == "." || path.utf8.first == UInt8(ascii: "/") ? path : "\(parent)/\(path)"
    }
    switch self {
    case .exists(let path): return .exists(path: full(path))
    case .file(let path, let errno): return .file(path: full(path), errno)
    case .notLinkable(let path, let errno): return .notLinkable(path: full(path), errno)
    default: return self
    }
  }
}

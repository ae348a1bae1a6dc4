// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree

extension Command {
  static let list = Command(
    "ls", "lists files of a commit", operands: [.one("REF"), .any("PATH")],
    options: [
      Option("recursive", short: "R", help: "go into folders"),
      Option("checksum", short: "C", help: "show the checksums of the objects"),
      Option("dironly", short: "d", help: "show a folder itself, not what is in it"),
    ]
  ) { session throws(Message) in
    let repo = try session.repo()
    let revision = session.arguments.operands[0]
    let named = Array(session.arguments.operands.dropFirst())
    let tree = try reporting { () throws(OSTreeError) in try CommitTree(repo, revision) }
    var listing = Listing(session, tree)
    for path in named.isEmpty ? ["/"] : named { try listing.show(path) }
    return Outcome(members: [("entries", .array(listing.entries))])
  }

  static let cat = Command(
    "cat", "shows the content of files of a commit", operands: [.one("REF"), .many("PATH")]
  ) { session throws(Message) in
    let repo = try session.repo()
    let revision = session.arguments.operands[0]
    let tree = try reporting { () throws(OSTreeError) in try CommitTree(repo, revision) }
    var files: [JSONValue] = []
    for path in session.arguments.operands.dropFirst() {
      let checksum = try reporting { () throws(OSTreeError) in try tree.file(at: path) }
      files.append(try FileContent.show(checksum, path, repo, session.terminal))
    }
    return Outcome(members: [("files", .array(files))])
  }
}

/// The lines of `ls`, as `ostree ls` writes them.
private struct Listing {
  let session: Session
  let tree: CommitTree
  let isRecursive: Bool
  let showsChecksums: Bool
  let isFoldersAlone: Bool
  var entries: [JSONValue] = []

  init(_ session: Session, _ tree: CommitTree) {
    self.session = session
    self.tree = tree
    isRecursive = session.arguments.isFlag("recursive")
    showsChecksums = session.arguments.isFlag("checksum")
    isFoldersAlone = session.arguments.isFlag("dironly")
  }

  /// What `path` names and, if it is a folder, what is in it.
  mutating func show(_ path: String) throws(Message) {
    let tree = self.tree
    let (names, entry) = try reporting { () throws(OSTreeError) in try tree.entry(at: path) }
    let full = "/\(names.joined(separator: "/"))"
    switch entry {
    case .file(let checksum): try show(file: checksum, full)
    case .directory(let checksum, let meta):
      try show(directory: checksum, meta, full)
      if !isFoldersAlone { try showContent(of: checksum, full == "/" ? "" : full, depth: 0) }
    }
  }

  /// libostree's `OSTREE_MAX_RECURSION`.
  private static let depthMax = 256

  private mutating func showContent(
    of checksum: Checksum, _ path: String, depth: Int
  ) throws(Message) {
    let repo = tree.repo
    let content = try reporting { () throws(OSTreeError) in
      guard depth < Listing.depthMax else {
        throw .treeTooDeep(ObjectName(checksum, .dirTree), limit: Listing.depthMax)
      }
      return try repo.loadDirTree(checksum)
    }
    for index in 0..<content.fileCount {
      let file = content.file(at: index)
      try show(file: file.checksum, "\(path)/\(file.name)")
    }
    for index in 0..<content.directoryCount {
      let directory = content.directory(at: index)
      let full = "\(path)/\(directory.name)"
      try show(directory: directory.tree, directory.meta, full)
      if isRecursive { try showContent(of: directory.tree, full, depth: depth + 1) }
    }
  }

  private mutating func show(file checksum: Checksum, _ path: String) throws(Message) {
    let repo = tree.repo
    let (header, size) = try reporting { () throws(OSTreeError) in
      let file = try repo.openFile(checksum)
      return (file.header, file.sizeBytes)
    }
    try show(
      header.isSymlink ? "l" : "-", header.mode, header.uid, header.gid, size, [checksum], path,
      target: header.isSymlink ? header.symlinkTarget : nil)
  }

  private mutating func show(
    directory checksum: Checksum, _ metaChecksum: Checksum, _ path: String
  ) throws(Message) {
    let repo = tree.repo
    let meta = try reporting { () throws(OSTreeError) in try repo.loadDirMeta(metaChecksum) }
    try show(
      "d", meta.mode, meta.uid, meta.gid, 0, [checksum, metaChecksum], path, target: nil)
  }

  private mutating func show(
    _ type: String, _ mode: UInt32, _ uid: UInt32, _ gid: UInt32, _ size: UInt64,
    _ checksums: [Checksum], _ path: String, target: String?
  ) throws(Message) {
    guard !session.terminal.isJSON else {
      return entries.append(
        .object([
          ("path", .string(path)), ("type", .string(Listing.typeName(type))),
          ("mode", .unsigned(UInt64(mode & 0o7777))), ("uid", .unsigned(UInt64(uid))),
          ("gid", .unsigned(UInt64(gid))), ("size", .unsigned(size)),
          ("checksum", .string(checksums[0].hex)),
          ("meta_checksum", .string(orNull: checksums.count > 1 ? checksums[1].hex : nil)),
          ("target", .string(orNull: target)),
        ]))
    }
    var line = "\(type)\(padded(String(mode & 0o7777, radix: 8), 5, "0")) \(uid) \(gid) "
    line += "\(padded("\(size)", 6, " ")) "
    if showsChecksums { line += checksums.map { "\($0.hex) " }.joined() }
    line += path
    if let target { line += " -> \(target)" }
    try session.terminal.line(line)
  }

  private static func typeName(_ type: String) -> String {
    type == "d" ? "directory" : type == "l" ? "symlink" : "file"
  }

  private func padded(_ text: String, _ width: Int, _ filler: String) -> String {
    String(repeating: filler, count: max(0, width - text.utf8.count)) + text
  }
}

/// What `cat` shows.
private enum FileContent {
  /// A document holds the content whole, so it holds no large one.
  private static let documentBytesMax = 1 << 20

  /// Writes the content to standard output, and only then knows whether it was damaged; or gives
  /// it as base64 where JSON is asked for.
  static func show(
    _ checksum: Checksum, _ path: String, _ repo: Repo, _ terminal: Terminal
  ) throws(Message) -> JSONValue {
    var content: [UInt8] = []
    var failure: Message?
    var hash = SHA256()
    let size = try reporting { () throws(OSTreeError) in
      let file = try repo.openFile(checksum)
      guard !terminal.isJSON || file.sizeBytes <= UInt64(documentBytesMax) else {
        return file.sizeBytes
      }
      hash.update(file.header.contentStreamHeader().span)
      try file.forEachPiece { (piece) throws(OSTreeError) in
        hash.update(piece)
        if failure != nil { return }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(piece.count)
        for index in piece.indices { bytes.append(piece[index]) }
        if terminal.isJSON {
          content += bytes
          return
        }
        do throws(Message) { try terminal.write(bytes) } catch { failure = error }
      }
      let found = hash.finish()
      if found != checksum { throw .corrupt(ObjectName(checksum, .file), found: found) }
      return file.sizeBytes
    }
    if let failure { throw failure }
    if terminal.isJSON, size > UInt64(documentBytesMax) {
      throw Message(
        .failed, "too-large", "'\(path)' has \(size) bytes, too many for a JSON document",
        hint: "leave '--json' away", path: path)
    }
    return .object([
      ("path", .string(path)), ("size", .unsigned(size)),
      ("content_base64", .string(Base64.encode(content.span))),
    ])
  }
}

// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Linux
import Support
import Testing

@testable import OSTree

/// Repos that the real `ostree` makes, in a folder of their own.
final class SampleRepo: Sendable {
  let folder: TemporaryDirectory
  let mode: RepoMode
  var path: String { folder.file("repo") }

  /// An empty repo.
  init(_ mode: RepoMode) throws {
    folder = try TemporaryDirectory("repo")
    self.mode = mode
    let name = mode == .archive ? "archive" : mode.configValue
    try mustRun("ostree", "--repo=\(path)", "init", "--mode=\(name)")
    // These repos need not survive a power cut, and tests are many.
    try folder.write(try folder.readText("repo/config") + "fsync=false\n", to: "repo/config")
  }

  /// A repo with the sample tree as `main`.
  static func sample(_ mode: RepoMode) throws -> SampleRepo {
    let repo = try SampleRepo(mode)
    try repo.makeSampleTree("tree")
    try repo.commit("tree", as: "main")
    return repo
  }

  func open() throws -> Repo { try Repo.open(path) }

  @discardableResult
  func ostree(_ arguments: String...) throws -> String {
    try ostree(arguments: arguments)
  }

  /// Standard output without the last line feed.
  @discardableResult
  func ostree(arguments: [String]) throws -> String {
    let result = try run("ostree", arguments: ["--repo=\(path)"] + arguments)
    guard result.status == 0 else { throw ProgramFailure(result: result) }
    return result.lines.joined(separator: "\n")
  }

  /// The folder `tree` becomes the next commit of `ref`.
  @discardableResult
  func commit(_ tree: String, as ref: String, _ options: String...) throws -> Checksum {
    var arguments = ["commit", "-b", ref, "-s", "test", "--tree=dir=\(folder.file(tree))"]
    if mode == .bareUserOnly { arguments.append("--canonical-permissions") }
    let text = try ostree(arguments: arguments + options)
    return try #require(Checksum(hex: text))
  }

  func checksum(_ ref: String) throws -> Checksum {
    try #require(Checksum(hex: try ostree("rev-parse", ref)))
  }

  /// What all commits and trees of the tests have: files of all kinds.
  func makeSampleTree(_ name: String) throws {
    try mustRun(
      "bash", "-ec",
      """
      mkdir -p "$0/d/sub" "$0/sticky" "$0/private" "$0/empty"; cd "$0"
      echo hello > a; : > nothing; : > private-nothing; chmod 600 private-nothing
      echo suid > suid; chmod 4755 suid; echo unreadable > none; chmod 0 none
      ln -s a link; ln -s dangling/target d/link; echo twin > twin; cp -p twin d/twin
      echo group > group; chmod 664 group; echo all > all; chmod 666 all
      echo odd > 'an odd name; ü\\n'; seq 200000 > big
      setfattr -n user.note -v bar a; setfattr -n user.note -v dir d
      chmod 1777 sticky; chmod 2775 d/sub; chmod 700 private
      if [ "$(id -u)" = 0 ]; then
        echo own > d/own; chown 1000:100 d/own private; chmod 640 d/own
        chown -h 1000:100 d/link; setfattr -n trusted.note -v t a
        chmod 2775 d/sub
      fi
      """, folder.file(name))
  }

  /// The file of an object.
  func object(_ name: ObjectName) -> String {
    folder.file("repo/objects/\(name.loosePath(archive: mode == .archive))")
  }

  /// Every object of the commit's tree, the commit itself included.
  func objects(of commit: Checksum) throws -> Set<ObjectName> {
    let repo = try open()
    let found = try repo.loadCommit(commit)
    var names: Set = [
      ObjectName(commit, .commit), ObjectName(found.rootMeta, .dirMeta),
    ]
    var waiting = [found.rootTree]
    while let checksum = waiting.popLast() {
      names.insert(ObjectName(checksum, .dirTree))
      let tree = try repo.loadDirTree(checksum)
      for index in 0..<tree.fileCount {
        names.insert(ObjectName(tree.fileChecksum(at: index), .file))
      }
      for index in 0..<tree.directoryCount {
        names.insert(ObjectName(tree.directory(at: index).meta, .dirMeta))
        waiting.append(tree.directory(at: index).tree)
      }
    }
    return names
  }

  /// Some object of that type in the tree of `main`; a file is one with content.
  func anObject(_ type: ObjectType) throws -> ObjectName {
    if type == .file {
      let repo = try open()
      let root = try repo.loadDirTree(try repo.loadCommit(try checksum("main")).rootTree)
      return ObjectName(try #require(root.findFile("big")), .file)
    }
    let names = try objects(of: try checksum("main")).filter { $0.type == type }
    return try #require(names.min())
  }

  /// Changes a byte in the middle of an object, in a file of its own: no other link sees it.
  func damage(_ name: ObjectName) throws {
    try mustRun(
      "python3", "-c",
      """
      import os, shutil, sys
      path = sys.argv[1]
      shutil.copy2(path, path + '.new'); os.replace(path + '.new', path)
      with open(path, 'r+b') as file:
          file.seek(os.path.getsize(path) // 2)
          byte = file.read(1)[0]
          file.seek(-1, 1)
          file.write(bytes([byte ^ 0xff]))
      """, object(name))
  }

  func remove(_ name: ObjectName) throws {
    try FileManager.default.removeItem(atPath: object(name))
  }

  /// The paths of all files below `top` in the repo.
  func files(_ top: String) throws -> Set<String> {
    Set(
      try mustRun("find", top, "-not", "-type", "d", in: path).split(separator: "\n").map(
        String.init))
  }

  /// A second repo with the same files.
  func copy() throws -> SampleRepo {
    let copy = try SampleRepo(mode)
    try mustRun("rm", "-rf", copy.path)
    try mustRun("cp", "-a", path, copy.path)
    return copy
  }
}

/// A program that failed where it must not.
struct ProgramFailure: Error {
  let result: ProgramResult
}

/// What can be seen of one name in a tree.
struct SeenFile: Hashable {
  var mode: UInt32
  var owner: String
  var attributes: [ExtendedAttribute]
  /// The target, for a symbolic link.
  var content: [UInt8]
  var inode: UInt64
  var links: UInt64
  var modifiedSeconds: Int64

  /// All names below `path`, itself as "".
  static func tree(_ path: String) throws -> [String: SeenFile] {
    var found: [String: SeenFile] = [:]
    let (parent, name) = Repo.split(path)
    try see(name, "", try FileDescriptor.openDirectory(parent), &found)
    return found
  }

  private static func see(
    _ name: String, _ path: String, _ directory: borrowing FileDescriptor,
    _ found: inout [String: SeenFile]
  ) throws {
    let status = try directory.status(of: name)
    var content: [UInt8] = []
    switch status.type {
    case .regular: content = try directory.open(name).readAll(limit: 1 << 30)
    case .symbolicLink: content = Array(try directory.symbolicLinkTarget(of: name).utf8)
    default: break
    }
    found[path] = SeenFile(
      mode: status.mode, owner: "\(status.uid):\(status.gid)",
      attributes: try ExtendedAttribute.read(of: name, in: directory), content: content,
      inode: status.inode, links: status.links, modifiedSeconds: status.modifiedSeconds)
    guard status.type == .directory else { return }
    let inside = try directory.openDirectory(name)
    for entry in try inside.entries() {
      try see(entry.name, path + "/" + entry.name, inside, &found)
    }
  }
}

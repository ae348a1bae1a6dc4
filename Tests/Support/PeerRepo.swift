// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A repo that the real `ostree` made, and what it says of it.
public struct PeerRepo: Sendable {
  public let path: String

  /// An empty repo. `mode` as `ostree init --mode` has it.
  public init(at path: String, mode: String = "archive") throws {
    self.path = path
    try mustRun("ostree", "init", "--repo=\(path)", "--mode=\(mode)")
  }

  /// One that exists.
  public init(existing path: String) { self.path = path }

  /// Runs `ostree --repo=PATH` and gives its standard output without the last line end.
  @discardableResult
  public func ostree(_ arguments: String...) throws -> String {
    try ostree(arguments)
  }

  @discardableResult
  public func ostree(_ arguments: [String]) throws -> String {
    let result = try run("ostree", arguments: arguments + ["--repo=\(path)"])
    guard result.status == 0 else { throw ProgramError(description: result.description) }
    return result.standardOutput.trimmingCharacters(in: .newlines)
  }

  /// Commits a folder; gives the checksum.
  @discardableResult
  public func commit(
    _ tree: String, to branch: String, timestamp: Int = 1_700_000_000, _ options: String...
  ) throws -> String {
    try ostree(
      ["commit", "-b", branch, "--tree=dir=\(tree)", "-s", "commit", "--timestamp=@\(timestamp)"]
        + options)
  }

  /// What `ostree fsck` says; throws if anything is wrong.
  @discardableResult
  public func fsck() throws -> String { try ostree("fsck") }
}

/// A tree with one of everything that OSTree can hold.
public enum SampleTree {
  /// Makes it at `path`: regular and empty files, links, extended attributes, set-user-id bits, odd
  /// names, hard links, owners, an empty folder. `version` is in a few of the files.
  public static func make(at path: String, version: String = "1") throws {
    let script = """
      set -eu
      mkdir -p "$1"; cd "$1"; umask 022
      mkdir -p usr/bin usr/lib/deep/er/still usr/share/empty usr/etc/conf.d
      printf 'hello %s\\n' "$2" > usr/bin/hello; chmod 755 usr/bin/hello
      cp usr/bin/hello usr/bin/privileged; chmod 4755 usr/bin/privileged
      ln usr/bin/hello usr/bin/hard-link
      ln -s hello usr/bin/link; ln -s /nowhere usr/bin/dangling
      : > usr/lib/nothing
      echo version=$2 > usr/etc/conf.d/version
      echo spaces > 'usr/share/name with  spaces'; echo umlaut > usr/share/ünï
      echo quote > "usr/share/'\\"\\\\"; echo dash > usr/share/-dash; echo dot > usr/share/.hidden
      echo newline > "usr/share/$(printf 'a\\nb')"
      echo attribute > usr/share/attribute
      setfattr -n user.zz -v one usr/share/attribute
      setfattr -n user.mm -v 0x00ff usr/share/attribute
      setfattr -n user.dir -v yes usr/share/empty
      echo owned > usr/share/owned; chown 1000:100 usr/share/owned; chmod 0640 usr/share/owned
      chmod 1777 usr/share/empty
      for i in $(seq 1 40); do printf '%s %s\\n' "$i" "$2" > usr/lib/deep/er/still/file$i; done
      head -c 3000000 /dev/zero | tr '\\0' "$2" > usr/lib/large
      """
    try mustRun("bash", "-c", script, "sample", path, version)
  }
}

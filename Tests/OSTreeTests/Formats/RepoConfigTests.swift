// SPDX-License-Identifier: Apache-2.0
import Codec
import OSTree
import Testing

@Suite struct RepoConfigTests {
  static func config(_ lines: String) throws(OSTreeError) -> RepoConfig {
    try RepoConfig(
      parsing: Array("[core]\nrepo_version=1\nmode=bare\n\(lines)\n".utf8), path: "/r/config")
  }

  static func refusal(_ text: String) -> OSTreeError? {
    do throws(OSTreeError) {
      _ = try RepoConfig(parsing: Array(text.utf8), path: "/r/config")
      return nil
    } catch { return error }
  }

  static func value(_ key: String, _ found: String) -> OSTreeError {
    .configuration(path: "/r/config", .value(group: "core", key: key, found: found))
  }

  @Test(arguments: Golden.repoNames) func `the golden repos are archives`(repo: String) throws {
    let config = try RepoConfig(parsing: Golden.bytes("config", in: repo), path: "config")
    #expect(config.mode == .archive)
  }

  @Test func `what a repo does not say has libostree's defaults`() throws {
    let config = try Self.config("")
    #expect(config.mode == .bare && config.isLocking && config.usesFsync)
    #expect(config.lockTimeoutSeconds == nil && config.parentPath == nil)
    #expect(!config.ignoresXattrs && !config.keepsTombstones && config.addsRemotesFolder == nil)
    #expect(config.collectionID == nil && config.compressionLevel == 6)
    #expect(config.reservedBytes(of: 1000) == 30)
  }

  @Test func `what a repo says is heeded`() throws {
    let config = try Self.config(
      """
      parent=/other
      locking=false
      lock-timeout-secs=-1
      fsync=false
      disable-xattrs=true
      collection-id=org.example.Os
      add-remotes-config-dir=true
      tombstone-commits=1
      future=yes
      [archive]
      zlib-level=12
      """)
    #expect(config.parentPath == "/other" && !config.isLocking && !config.usesFsync)
    #expect(config.lockTimeoutSeconds == -1 && config.ignoresXattrs && config.keepsTombstones)
    #expect(config.collectionID == "org.example.Os" && config.addsRemotesFolder == true)
    #expect(config.compressionLevel == 9)
    #expect(config.keyfile.string("core", "future") == "yes")
  }

  @Test(arguments: [
    ("min-free-space-percent=0", UInt64(0)), ("min-free-space-percent=50", 500_000),
    ("min-free-space-size=1MB", 1 << 20), ("min-free-space-size=2GB", 2 << 30),
    ("min-free-space-size=3TB", 3 << 40),
    ("min-free-space-size=1MB\nmin-free-space-percent=50", 1 << 20),
    ("min-free-space-size=0MB\nmin-free-space-percent=50", 500_000),
  ])
  func `room is kept free`(lines: String, expected: UInt64) throws {
    #expect(try Self.config(lines).reservedBytes(of: 1_000_000) == expected)
  }

  @Test(arguments: [
    ("locking", "maybe"), ("lock-timeout-secs", "soon"), ("min-free-space-percent", "100"),
    ("min-free-space-percent", "-1"), ("min-free-space-size", "1"), ("min-free-space-size", "MB"),
    ("min-free-space-size", "1 MB"), ("min-free-space-size", "99999999999TB"),
    ("collection-id", "noDot"),
  ])
  func `values that make no sense are refused by name`(key: String, value: String) {
    let text = "[core]\nrepo_version=1\nmode=bare\n\(key)=\(value)\n"
    #expect(Self.refusal(text) == Self.value(key, value))
  }

  @Test func `repos of another kind are refused`() {
    #expect(
      Self.refusal("[core]\nrepo_version=2\nmode=bare\n")
        == .unsupportedRepo(path: "/r/config", key: "repo_version", found: "2"))
    #expect(
      Self.refusal("[core]\nrepo_version=1\nmode=bare-split-xattrs\n")
        == .unsupportedRepo(path: "/r/config", key: "mode", found: "bare-split-xattrs"))
    #expect(
      Self.refusal("[core]\nmode=bare\n")
        == .configuration(path: "/r/config", .missing(group: "core", key: "repo_version")))
    #expect(
      Self.refusal("nonsense")
        == .configuration(path: "/r/config", .keyfile(.notALine(line: 1))))
  }
}

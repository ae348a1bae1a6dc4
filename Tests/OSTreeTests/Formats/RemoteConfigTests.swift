// SPDX-License-Identifier: Apache-2.0
import Codec
import OSTree
import Testing

@Suite struct RemoteConfigTests {
  static func keyfile(_ text: String) throws -> Keyfile { try Keyfile(parsing: Array(text.utf8)) }

  static func remote(_ lines: String) throws -> RemoteConfig {
    try RemoteConfig("o", in: keyfile("[remote \"o\"]\n\(lines)\n"), path: "/r/config")
  }

  static func refusal(_ lines: String) throws -> OSTreeError? {
    let keyfile = try keyfile("[remote \"o\"]\n\(lines)\n")
    do throws(OSTreeError) {
      _ = try RemoteConfig("o", in: keyfile, path: "/r/config")
      return nil
    } catch { return error }
  }

  @Test func `a remote with a URL alone has libostree's defaults, GPG above all`() throws {
    let remote = try Self.remote("url=https://example.org/repo")
    #expect(remote.name == "o" && remote.url == "https://example.org/repo")
    #expect(remote.location == .url("https://example.org/repo"))
    #expect(remote.demandsGPG && !remote.demandsGPGForSummary)
    #expect(remote.signaturePolicy == .none && remote.summarySignaturePolicy == .none)
    #expect(remote.branches.isEmpty && remote.contentURL == nil && remote.proxy == nil)
    #expect(!remote.isPermissive && remote.allowsHTTP2)
    #expect(remote.certificatePath == nil && remote.privateKeyPath == nil)
    #expect(remote.authoritiesPath == nil && remote.collectionID == nil)
    #expect(remote.unconfiguredState == nil && remote.customBackend == nil)
  }

  @Test func `everything that a remote can say is heeded`() throws {
    let remote = try Self.remote(
      """
      url=mirrorlist=https://m
      contenturl=https://c
      branches=a/b;c;
      gpg-verify=false
      gpg-verify-summary=true
      sign-verify=ed25519;spki
      sign-verify-summary=true
      tls-permissive=1
      tls-client-cert-path=/c.pem
      tls-client-key-path=/k.pem
      tls-ca-path=/ca.pem
      http2=false
      proxy=http://p
      collection-id=org.example
      unconfigured-state=Buy it first
      custom-backend=x
      xa.title=ignored
      """)
    #expect(remote.location == .mirrorList("https://m") && remote.url == "https://m")
    #expect(remote.contentURL == "https://c" && remote.branches == ["a/b", "c"])
    #expect(!remote.demandsGPG && remote.demandsGPGForSummary)
    #expect(remote.signaturePolicy == .engines([.ed25519, .spki]))
    #expect(remote.summarySignaturePolicy == .any)
    #expect(remote.isPermissive && !remote.allowsHTTP2 && remote.proxy == "http://p")
    #expect(remote.certificatePath == "/c.pem" && remote.privateKeyPath == "/k.pem")
    #expect(remote.authoritiesPath == "/ca.pem" && remote.collectionID == "org.example")
    #expect(remote.unconfiguredState == "Buy it first" && remote.customBackend == "x")
    #expect(try Self.remote("metalink=https://l").location == .metalink("https://l"))
    #expect(try Self.remote("custom-backend=x").url == "")
  }

  @Test(arguments: [
    ("gpg-verify", "perhaps"), ("sign-verify", "ed25519;dummy"), ("sign-verify", "yes"),
    ("sign-verify-summary", "gpg"), ("http2", "x"), ("collection-id", "a"),
  ])
  func `values that make no sense are refused by name`(key: String, value: String) throws {
    #expect(
      try Self.refusal("url=http://a\n\(key)=\(value)")
        == .configuration(
          path: "/r/config", .value(group: "remote \"o\"", key: key, found: value)))
  }

  @Test(arguments: [
    ("branches=a", "url"), ("url=", "url"),
    ("url=http://a\ntls-client-cert-path=/c", "tls-client-key-path"),
    ("url=http://a\ntls-client-key-path=/k", "tls-client-cert-path"),
  ])
  func `what is missing is named`(lines: String, key: String) throws {
    #expect(
      try Self.refusal(lines)
        == .configuration(path: "/r/config", .missing(group: "remote \"o\"", key: key)))
  }

  @Test(arguments: [
    ("false", SignaturePolicy.none), ("0", .none), ("", .none), ("true", .any), ("1", .any),
    ("ed25519", .engines([.ed25519])), ("ed25519;", .engines([.ed25519])),
  ])
  func `signatures are demanded as the remote says`(text: String, policy: SignaturePolicy) throws {
    #expect(try Self.remote("url=http://a\nsign-verify=\(text)").signaturePolicy == policy)
  }

  @Test func `the remotes of several files are one list, sorted by name`() throws {
    let config = try Self.keyfile(
      "[core]\nmode=bare\n[remote \"b\"]\nurl=http://b\n[remote \"Z\"]\nurl=http://z\n")
    let added = try Self.keyfile("[remote \"a\"]\nurl=http://a\n[other]\nx=y\n[remote]\n")
    let remotes = try RemoteConfig.all(in: [("/r/config", config), ("/e/a.conf", added)])
    #expect(remotes.map(\.name) == ["Z", "a", "b"])
    #expect(remotes.map(\.path) == ["/r/config", "/e/a.conf", "/r/config"])
    #expect(RemoteConfig.names(in: config) == ["b", "Z"])
  }

  @Test func `a remote that is there twice is refused`() throws {
    let file = try Self.keyfile("[remote \"a\"]\nurl=http://a\n")
    let result = Result { () throws(OSTreeError) in
      try RemoteConfig.all(in: [("/r/config", file), ("/e/a.conf", file)]).count
    }
    #expect(result == .failure(.remoteExists("a")))
  }

  @Test func `a remote with a name that no ref can have is refused`() throws {
    let file = try Self.keyfile("[remote \"../x\"]\nurl=http://a\n")
    let result = Result { () throws(OSTreeError) in
      try RemoteConfig.all(in: [("/r/config", file)]).count
    }
    #expect(result == .failure(.invalidRef("../x")))
  }
}

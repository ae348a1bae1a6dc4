// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
import OSTree
import Support
import Testing

@Suite struct TrustedKeysTests {
  static let raw = (1...5).map { [UInt8](repeating: UInt8($0), count: 32) }
  static let texts = raw.map { Base64.encode($0.span) }
  static let frame = hex("302a300506032b6570032100")

  static func remote(_ lines: String) throws -> RemoteConfig {
    try RemoteConfigTests.remote("url=http://a\n\(lines)")
  }

  static func refusal(_ lines: String, _ root: String) throws -> OSTreeError? {
    let remote = try remote(lines)
    do throws(OSTreeError) {
      _ = try TrustedKeys(for: remote, systemRoot: root)
      return nil
    } catch { return error }
  }

  @Test func `a remote's own keys are a key and a file of keys`() throws {
    let directory = try TemporaryDirectory()
    let file = try directory.write(
      "\(Self.texts[1])\n\n# no key\n \(Self.texts[2])\r\nAAAA\n\(Self.texts[1])", to: "keys")
    try directory.write(Self.texts[4], to: "etc/ostree/trusted.ed25519")
    let remote = try Self.remote(
      "verification-ed25519-key=\(Self.texts[0])\nverification-ed25519-file=\(file)")
    let keys = try TrustedKeys(for: remote, systemRoot: directory.path)
    #expect(keys[.ed25519] == [Self.raw[0], Self.raw[1], Self.raw[2]])
    #expect(keys[.spki].isEmpty && !keys.isEmpty)
  }

  @Test func `a remote without keys trusts those of the system`() throws {
    let directory = try TemporaryDirectory()
    let remote = try Self.remote("")
    #expect(try TrustedKeys(for: remote, systemRoot: directory.path).isEmpty)
    try directory.write(Self.texts[0], to: "etc/ostree/trusted.ed25519")
    try directory.write(Self.texts[1], to: "etc/ostree/trusted.ed25519.d/one")
    try directory.write(Self.texts[2], to: "usr/share/ostree/trusted.ed25519")
    try directory.write(Self.texts[3], to: "usr/share/ostree/trusted.ed25519.d/two")
    let keys = try TrustedKeys(for: remote, systemRoot: directory.path)
    #expect(keys[.ed25519] == Array(Self.raw[0..<4]))
  }

  @Test func `a revoked key counts for nobody`() throws {
    let directory = try TemporaryDirectory()
    try directory.write(
      "\(Self.texts[0])\n\(Self.texts[1])\n\(Self.texts[2])", to: "etc/ostree/trusted.ed25519")
    try directory.write(Self.texts[0], to: "usr/share/ostree/revoked.ed25519")
    try directory.write(Self.texts[2], to: "etc/ostree/revoked.ed25519.d/lost")
    let system = try TrustedKeys(for: Self.remote(""), systemRoot: directory.path)
    #expect(system[.ed25519] == [Self.raw[1]])
    let remote = try Self.remote("verification-ed25519-key=\(Self.texts[2])")
    #expect(try TrustedKeys(for: remote, systemRoot: directory.path).isEmpty)
  }

  @Test func `keys as SubjectPublicKeyInfo are read from base64 and PEM`() throws {
    let directory = try TemporaryDirectory()
    let texts = Self.raw.map { Base64.encode((Self.frame + $0).span) }
    let pem = texts[1...2].map {
      "-----BEGIN PUBLIC KEY-----\n\($0.prefix(20))\n\($0.dropFirst(20))\n"
        + "-----END PUBLIC KEY-----\n"
    }
    let other = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
    let file = try directory.write("note\n\(pem[0])\(other)\(pem[1])", to: "keys.pem")
    let remote = try Self.remote(
      "verification-spki-key=\(texts[0])\nverification-spki-file=\(file)")
    let keys = try TrustedKeys(for: remote, systemRoot: directory.path)
    #expect(keys[.spki] == Array(Self.raw[0..<3]))
    #expect(keys[.ed25519].isEmpty)
  }

  @Test func `a key or file that the remote names must be one`() throws {
    let directory = try TemporaryDirectory()
    for text in ["x", "AAAA", Base64.encode((Self.frame + Self.raw[0]).span)] {
      #expect(
        try Self.refusal("verification-ed25519-key=\(text)", directory.path)
          == .configuration(
            path: "/r/config",
            .value(group: "remote \"o\"", key: "verification-ed25519-key", found: text)))
    }
    let missing = directory.file("missing")
    #expect(
      try Self.refusal("verification-ed25519-file=\(missing)", directory.path)
        == .keyFile(path: missing, .notFound))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Foundation
import Support
import Testing
import Uptane

/// Keys and signatures of every scheme, as the real `openssl` makes them, in a whole root.
@Suite struct SignatureSchemeTests {
  /// How `openssl` makes a key of some kind, and signs with it.
  struct Scheme: Sendable, CustomTestStringConvertible {
    let type: String
    let name: String
    let generate: [String]
    let sign: [String]

    var testDescription: String { "\(type) \(name)" }
  }

  static let rsa = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
  static let p256 = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
  static let digest = ["dgst", "-sha256", "-sign", "key"]
  static let schemes = [
    Scheme(
      type: "rsa", name: "rsassa-pss-sha256", generate: rsa,
      sign: digest + ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]),
    Scheme(type: "rsa", name: "rsa-pkcs1v15-sha256", generate: rsa, sign: digest),
    Scheme(type: "ecdsa", name: "ecdsa-sha2-nistp256", generate: p256, sign: digest),
    Scheme(
      type: "ecdsa-sha2-nistp256", name: "ecdsa-sha2-nistp256", generate: p256, sign: digest),
    Scheme(
      type: "ed25519", name: "ed25519", generate: ["-algorithm", "ed25519"],
      sign: ["pkeyutl", "-sign", "-rawin", "-inkey", "key", "-in"]),
  ]

  /// What a root that one key has signed is judged as; nil if it is trusted. `name` and `sign` may
  /// be another scheme's.
  static func judge(_ scheme: Scheme, named name: String, _ sign: [String]) throws -> String? {
    let folder = try TemporaryDirectory()
    _ = try mustRun("openssl", ["genpkey", "-quiet"] + scheme.generate + ["-out", "key"], folder)
    let pem = try mustRun("openssl", ["pkey", "-in", "key", "-pubout"], folder) + "\n"
    let der = try mustRun(
      "sh", ["-c", "openssl pkey -in key -pubout -outform DER | od -An -tx1 -v"], folder)
    let hex = String(der.filter { !$0.isWhitespace }.suffix(64))
    let isTUF = name != "rsassa-pss" && !name.hasPrefix("ota:")
    let method = isTUF ? nil : name.replacing("ota:", with: "")
    let signed = root(
      isTUF ? scheme.type : scheme.type.uppercased(), isTUF ? name : nil,
      scheme.type == "ed25519" ? hex : pem)
    let form: CanonicalForm = isTUF ? .olpc : .otaASCII
    try folder.write(try signed.canonical(form), to: "message")
    _ = try mustRun(
      "sh", ["-c", "openssl " + sign.joined(separator: " ") + " message > sig"], folder)
    let signature = try folder.read("sig")
    var entry: [(String, JSONValue)] = [
      ("keyid", .string("k")),
      ("sig", .string(isTUF ? Hex.encode(signature.span) : Data(signature).base64EncodedString())),
    ]
    if let method { entry.append(("method", .string(method))) }
    let file = JSONValue.object([("signatures", .array([.object(entry)])), ("signed", signed)])
    do throws(UptaneError) {
      _ = try RootChain(trusting: Array(file.serialized().utf8), VerificationPolicy(.image))
      return nil
    } catch { return error.fault.name }
  }

  static func mustRun(
    _ program: String, _ arguments: [String], _ folder: TemporaryDirectory
  ) throws -> String {
    let result = try run(program, arguments: arguments, in: folder.path)
    try #require(result.status == 0, "\(result)")
    return result.standardOutput
  }

  static func root(_ type: String, _ scheme: String?, _ text: String) -> JSONValue {
    var key: [(String, JSONValue)] = [
      ("keytype", .string(type)), ("keyval", .object([("public", .string(text))])),
    ]
    if let scheme { key.append(("scheme", .string(scheme))) }
    let role = JSONValue.object([("keyids", .array([.string("k")])), ("threshold", .integer(1))])
    let roles = ["root", "timestamp", "snapshot", "targets"].map { ($0, role) }
    var members: [(String, JSONValue)] = [
      ("_type", .string(scheme == nil ? "Root" : "root")), ("version", .integer(1)),
      ("expires", .string("2126-01-01T00:00:00Z")), ("consistent_snapshot", .boolean(false)),
      ("keys", .object([("k", .object(key))])), ("roles", .object(roles)),
    ]
    if scheme != nil { members.append(("spec_version", .string("1.0.31"))) }
    return .object(members)
  }

  @Test(arguments: schemes)
  func `a root that openssl has signed is trusted`(scheme: Scheme) throws {
    #expect(try Self.judge(scheme, named: scheme.name, scheme.sign) == nil)
  }

  @Test func `a padding that the key's scheme does not name does not count`() throws {
    let (pss, plain) = (Self.schemes[0], Self.schemes[1])
    #expect(try Self.judge(pss, named: pss.name, plain.sign) == "signature")
    #expect(try Self.judge(plain, named: plain.name, pss.sign) == "signature")
    // Hashed by another algorithm, which the signature itself names.
    let longer = ["dgst", "-sha512", "-sign", "key"]
    #expect(try Self.judge(plain, named: plain.name, longer) == "signature")
    #expect(try Self.judge(plain, named: "rsa-pkcs1v15-sha512", longer) == "signature")
  }

  @Test func `the dialect of aktualizr knows PSS alone`() throws {
    let (pss, plain) = (Self.schemes[0], Self.schemes[1])
    #expect(try Self.judge(pss, named: "rsassa-pss", pss.sign) == nil)
    #expect(try Self.judge(pss, named: "ota:rsassa-pss-sha256", pss.sign) == nil)
    #expect(try Self.judge(plain, named: "ota:rsa-pkcs1v15-sha256", plain.sign) == "signature")
  }
}

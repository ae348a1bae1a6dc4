// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Foundation
import Support
import Testing

@testable import Updater

@Suite struct ComposeAppsTests {
  private static let digest = String(repeating: "0a", count: 32)

  private func list(_ custom: String) throws -> Result<[UInt8]?, UpdaterError> {
    let node = try JSONDocument(parsing: Array(custom.utf8)).root
    return Result { () throws(UpdaterError) in try ComposeApps.list(in: node, of: "os-7") }
  }

  private func app(_ uri: String) -> String {
    #"{"docker_compose_apps":{"app":{"uri":"\#(uri)"}}}"#
  }

  @Test func `apps become lines in one order`() throws {
    let found = try list(
      """
      {"tags": ["x"], "docker_compose_apps": {
        "web-2": {"uri": "hub.example.com:5000/acme/Web.2@sha256:\(Self.digest)", "more": 1},
        "shell_1": {"uri": "hub/s@sha256:\(Self.digest)"}}}
      """
    ).get()
    #expect(
      String(decoding: try #require(found), as: UTF8.self)
        == "coppice-apps 1\nshell_1 hub/s@sha256:\(Self.digest)\n"
        + "web-2 hub.example.com:5000/acme/Web.2@sha256:\(Self.digest)\n")
    let none = try list(#"{"docker_compose_apps":{}}"#).get()
    #expect(none == Array("coppice-apps 1\n".utf8))
    #expect(try list("{}").get() == nil)
    #expect(try list("[]").get() == nil)
    #expect(
      try Result { () throws(UpdaterError) in try ComposeApps.list(in: nil, of: "") }.get() == nil)
  }

  @Test func `what a shell could read in another way is refused`() throws {
    let digest = Self.digest
    var bad = [
      "hub/app", "hub/app:1", "hub/app@sha256:\(digest.dropLast())", "@sha256:\(digest)",
      "hub/a b@sha256:\(digest)", "hub/$(x)@sha256:\(digest)", "-hub/app@sha256:\(digest)",
      "hub/app@sha512:\(digest)", "hub/app@sha256:\(digest.uppercased())",
      String(repeating: "a", count: 512) + "@sha256:\(digest)", #"hub/\n@sha256:\#(digest)"#,
    ].map(app)
    for name in ["", "A", "-a", "a b", "a/b", "..", #"a\n"#, String(repeating: "a", count: 65)] {
      bad.append(#"{"docker_compose_apps":{"\#(name)":{"uri":"hub/app@sha256:\#(digest)"}}}"#)
    }
    bad += [
      #"{"docker_compose_apps":[]}"#, #"{"docker_compose_apps":null}"#,
      #"{"docker_compose_apps":{"a":{}}}"#, #"{"docker_compose_apps":{"a":"hub/a"}}"#,
    ]
    for custom in bad { #expect(try list(custom) == .failure(.target("os-7", .apps)), "\(custom)") }
    #expect(throws: Never.self) { try list(app("hub/app@sha256:\(digest)")).get() }
  }

  @Test func `a list is kept like any other content`() throws {
    let folder = try TemporaryDirectory("apps")
    let targets = TargetFolder(folder.file("targets"))
    let content = try Result { () throws(UpdaterError) in try targets.store([1, 2]) }.get()
    #expect(content.lengthBytes == 2 && content.sha256 == SHA256.hash([1, 2]))
    #expect(try Result { () throws(UpdaterError) in try targets.contains(content) }.get())
  }
}

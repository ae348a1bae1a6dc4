// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

@testable import Configuration

@Suite struct SettingsTOMLTests {
  /// Sections, keys and values as Python reads them.
  private func read(_ text: String) throws -> [String: [String: String]] {
    let script = "import json, sys, tomllib; print(json.dumps(tomllib.loads(sys.stdin.read())))"
    let result = try run("python3", "-c", script, input: text)
    try #require(result.status == 0, "\(result)")
    return try JSONDecoder().decode(
      [String: [String: String]].self, from: Data(result.standardOutput.utf8))
  }

  private func settings(_ text: String) throws -> Settings {
    var settings = Settings()
    try settings.read(Array(text.utf8), path: "coppice.conf")
    return settings
  }

  @Test func `all that is in force is there, as another reader sees it`() throws {
    let settings = try settings(
      """
      [device]
      hardware-id=a "quoted" \\\\ thing
      ecu-serial=ü#=[x]
      [uptane]
      tags=devel;test
      [pull]
      connections=3
      """)
    let found = try read(settings.toml)
    for setting in Setting.allCases {
      #expect(found[setting.section]?[setting.key] == settings.text(of: setting), "\(setting)")
    }
    #expect(found["device"]?["hardware-id"] == #"a "quoted" \ thing"#)
    #expect(found["uptane"]?["tags"] == "devel;test")
    #expect(found["pull"]?["connections"] == "3")
  }

  @Test func `no secret is in it`() throws {
    let settings = try settings(
      """
      [server]
      url=https://fleet:secret@example.com:8443/gateway?token=secret#secret
      proxy=http://user:se@cret@proxy.example.com
      [uptane]
      director-url=https://secret@example.com
      image-url=https://example.com/a@b?secret
      """)
    let found = try read(settings.toml)
    #expect(!settings.toml.contains("se@cret") && !settings.toml.contains("secret"))
    #expect(found["server"]?["url"] == "https://example.com:8443/gateway")
    #expect(found["server"]?["proxy"] == "http://proxy.example.com")
    #expect(found["uptane"]?["director-url"] == "https://example.com")
    #expect(found["uptane"]?["image-url"] == "https://example.com/a@b")
  }

  @Test func `characters that cannot stand in a string are escaped`() throws {
    let text = String(decoding: Array(0..<128 as Range<UInt8>), as: UTF8.self) + "ü€🚗"
    #expect(try read("[a]\nb = \(TOMLText.string(text))\n")["a"]?["b"] == text)
  }
}

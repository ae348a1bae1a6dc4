// SPDX-License-Identifier: Apache-2.0
import Support
import Testing

@testable import Uptane

/// Path patterns and dates, against vectors and beyond them.
@Suite struct PathPatternTests {
  struct Vectors: Decodable {
    struct Date: Decodable { var text: String, ok: Bool }
    struct Pattern: Decodable { var pattern: String, path: String, match: Bool }
    var dates: [Date]
    var patterns: [Pattern]

    private enum CodingKeys: String, CodingKey {
      case dates
      case patterns = "path_patterns"
    }
  }

  static let vectors = try! GoldenJSON.read("uptane/small.json", as: Vectors.self)

  @Test func `patterns match as other implementations have it`() {
    for vector in Self.vectors.patterns {
      let found = PathPattern.matches(Array(vector.pattern.utf8), Array(vector.path.utf8))
      #expect(found == vector.match, "'\(vector.pattern)' on '\(vector.path)'")
    }
  }

  @Test func `dates are exactly of one form`() {
    for vector in Self.vectors.dates {
      #expect((Envelope.time(vector.text) != nil) == vector.ok, "\(vector.text)")
    }
    #expect(Envelope.time("2029-02-30T00:00:00Z") == nil)
    #expect(Envelope.time("2029-01-01T00:00:00+00:00") == nil)
  }

  static let patterns: [(String, String, Bool)] = [
    ("a*c*e", "abcde", true), ("a*c*e", "abde", false), ("*a*a*a", "aaa", true),
    ("*a*a*a", "aa", false), ("*/b", "a/b", true), ("*b/c", "aab/c", true),
    ("a*/c", "a/b/c", false),
    ("*/*/c", "a/b/c", true), ("a/*", "a/", true), ("a/?", "a/", false), ("?", "/", false),
    // A character is a character, however many bytes it has.
    ("?", "é", true), ("??", "é", false), ("*?", "é", true), ("*??x", "éx", false),
    ("é", "e\u{301}", false), (".*", ".a", true), ("*", ".a", true), ("\\*", "*", false),
    ("[a-z]", "b", false), ("a*b", "a*b", true), ("a?b", "a?b", true),
  ]

  @Test(arguments: patterns)
  func `a pattern matches what it says`(pattern: String, path: String, match: Bool) {
    #expect(PathPattern.matches(Array(pattern.utf8), Array(path.utf8)) == match)
  }

  @Test func `a hostile pattern takes no longer than its length times that of the path`() {
    let path = [UInt8](repeating: UInt8(ascii: "a"), count: 4096)
    let pattern = Array(String(repeating: "a*", count: 1000).utf8) + [UInt8(ascii: "b")]
    #expect(!PathPattern.matches(pattern, path))
  }

  static let paths: [(String, Bool)] = [
    ("a", true), ("a/b", true), ("", false), ("/a", false), ("..", false), ("a/../b", false),
    ("a/..", false), ("..a", true), ("a..", true), (".", true), ("a\u{0}", false), ("ä?#%", true),
    (String(repeating: "a", count: 4097), false),
  ]

  @Test(arguments: paths) func `a target's path leads below a folder`(path: String, isPath: Bool) {
    #expect(Target.isPath(path) == isPath)
  }

  static let roleNames: [(String, tuf: Bool, ota: Bool)] = [
    ("apps", true, true), ("", false, false), ("root", false, false), ("Root", true, false),
    ("targets", false, false), ("TARGETS", true, false), ("a.b-c_d", true, true),
    (".a", true, false), ("../a", true, false), ("a/b", true, false), ("ä", true, false),
    (String(repeating: "a", count: 50), true, true),
    (String(repeating: "a", count: 51), true, false),
  ]

  @Test(arguments: roleNames)
  func `each dialect has its own names for roles`(name: String, tuf: Bool, ota: Bool) {
    #expect(Dialect.tuf.isRoleName(name) == tuf)
    #expect(Dialect.ota.isRoleName(name) == ota)
  }

  static let fileNames: [(String, String)] = [
    ("apps", "apps.json"), ("../a", "%2E.%2Fa.json"), ("a/b", "a%2Fb.json"), ("?", "%3F.json"),
    (".", "%2E.json"), ("ä", "%C3%A4.json"), ("%2F", "%252F.json"),
  ]

  @Test(arguments: fileNames)
  func `no role can reach another's file`(role: String, file: String) {
    #expect(Role.delegated(role).fileName == file)
  }

  @Test func `a long name is stored under a short one`() {
    let long = String(repeating: "a", count: 201)
    let name = Role.delegated(long).fileName
    #expect(name.hasPrefix("%-") && name.utf8.count == 71)
    #expect(name != Role.delegated(long + "a").fileName)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

@Suite struct CLITests {
  static let folder = PackagePaths.root + "/Tests/CLI"
  static let names = try! FileManager.default.contentsOfDirectory(atPath: folder)
    .filter { $0.hasSuffix(".session") }.sorted()

  @Test(arguments: names) func `a session goes as it is written`(name: String) throws {
    let path = "\(CLITests.folder)/\(name)"
    let expected = try Session(parsing: String(contentsOfFile: path, encoding: .utf8))
    let found = try expected.run()
    if ProcessInfo.processInfo.environment["COPPICE_CLI_RECORD"] != nil {
      return try record(expected, found, path)
    }
    for (index, step) in expected.steps.enumerated() {
      let seen = found.steps[index]
      let difference = difference(step, seen)
      #expect(difference == nil, "\(name), step \(index + 1)")
      // What follows a step that went wrong says nothing.
      if difference != nil { return }
    }
  }

  private func difference(_ expected: Step, _ found: Step) -> String? {
    if expected.exitCode == found.exitCode,
      LinePattern.matches(expected.output, found.output),
      LinePattern.matches(expected.messages, found.messages)
    {
      return nil
    }
    var found = found
    found.remarks = []
    var session = try! Session(parsing: "")
    session.introduction = []
    session.steps = [found]
    return session.text
  }

  /// Writes what was seen, and keeps what was expected where it fits.
  private func record(_ expected: Session, _ found: Session, _ path: String) throws {
    var recorded = found
    for (index, step) in expected.steps.enumerated() {
      if LinePattern.matches(step.output, found.steps[index].output) {
        recorded.steps[index].output = step.output
      }
      if LinePattern.matches(step.messages, found.steps[index].messages) {
        recorded.steps[index].messages = step.messages
      }
    }
    try recorded.text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  @Test func `a session is written as it was read`() throws {
    let text = """
      What it shows.

      # a remark
      $ one \\
      > two
      out
      \\! no message
      \\
      ! a message
      [3]

      $ three
      ...

      """
    let session = try Session(parsing: text)
    #expect(session.steps.count == 2)
    #expect(session.steps[0].output == ["out", "! no message", ""])
    #expect(session.steps[0].messages == ["a message"])
    #expect(session.steps[0].exitCode == 3)
  }

  static let patterns: [(String, String, Bool)] = [
    ("a", "a", true), ("a", "ab", false), ("a{*}", "ab", true), ("a{*}c", "abc", true),
    ("a{*}c", "abd", false), ("{*}b{*}", "abc", true), ("{*}x{*}", "abc", false),
    ("a{*}b{*}c", "a1b2c", true), ("a{*}b{*}c", "a1c2c", false),
  ]

  @Test(arguments: patterns)
  func `a pattern fits what it says`(pattern: String, line: String, fits: Bool) {
    #expect(LinePattern.matches(pattern, line) == fits)
  }

  @Test func `three dots stand for any number of lines`() {
    #expect(LinePattern.matches(["a", "...", "d"], ["a", "b", "c", "d"]))
    #expect(LinePattern.matches(["a", "...", "d"], ["a", "d"]))
    #expect(!LinePattern.matches(["a", "...", "d"], ["a", "b"]))
    #expect(!LinePattern.matches(["a"], ["a", "b"]))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Style that a program can judge: sizes, licence lines, and words that must not stay.
@Suite struct StyleTests {
  static let linesPerFileMax = 400
  static let linesPerFunctionMax = 70
  static let columnsMax = 100

  /// What may be larger, and why: a file by its path, a function as "path:name".
  static let larger: [String: String] = [:]

  @Test func `there are files to judge`() {
    let languages = Set(SourceFile.all.map(\.language))
    #expect(languages == [.swift, .c, .script, .other])
  }

  @Test func `every file names its licence in the first line that can`() {
    for file in SourceFile.all {
      let named = file.lines.prefix(2).contains {
        $0.hasSuffix("SPDX-License-Identifier: Apache-2.0")
      }
      if !named { Issue.record("\(file.path): no SPDX line at the top") }
    }
  }

  @Test func `no file outgrows its class`() {
    for file in SourceFile.all where Self.larger[file.path] == nil {
      let count = file.lines.count - 1
      if count > Self.linesPerFileMax {
        Issue.record("\(file.path): \(count) lines, \(Self.linesPerFileMax) are the most")
      }
    }
  }

  @Test func `no function outgrows its class`() {
    for file in SourceFile.all {
      for function in FunctionExtent.all(in: file)
      where function.lineCount > Self.linesPerFunctionMax {
        if Self.larger["\(file.path):\(function.name)"] != nil { continue }
        Issue.record(
          """
          \(file.path):\(function.firstLine): '\(function.name)' has \(function.lineCount) lines, \
          \(Self.linesPerFunctionMax) are the most
          """)
      }
    }
  }

  @Test func `no line is wider than the page`() {
    for file in SourceFile.all {
      for (index, line) in file.lines.enumerated() where line.count > Self.columnsMax {
        // One unbreakable word, a test vector say, stays as it is.
        if !line.drop(while: { $0 == " " }).contains(" ") { continue }
        Issue.record(
          "\(file.path):\(index + 1): \(line.count) columns, \(Self.columnsMax) are the most")
      }
    }
  }

  @Test func `nothing is left for later`() {
    // Written so that this file does not find itself.
    let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    for file in SourceFile.all {
      for (index, line) in file.lines.enumerated() {
        let words = line.split { !$0.isLetter }
        if marks.contains(where: { mark in words.contains { $0 == mark } }) {
          Issue.record("\(file.path):\(index + 1): do it, or file an issue: \(line)")
        }
      }
    }
  }

  @Test func `device code never trusts a cast or a call blindly`() {
    for file in SourceFile.all where file.isDeviceCode && file.language == .swift {
      for (index, line) in file.lines.enumerated() {
        let code = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false)[0]
        if code.contains(/\b(?:try|as)!/) {
          Issue.record("\(file.path):\(index + 1): 'try!' or 'as!': \(line)")
        }
      }
    }
  }

  @Test func `every exception from the sizes is still needed`() {
    for (name, reason) in Self.larger {
      #expect(!reason.isEmpty, "'\(name)' is larger without a reason")
      let parts = name.split(separator: ":").map(String.init)
      let file = SourceFile.all.first { $0.path == parts[0] }
      guard let file else {
        Issue.record("'\(name)' is excepted but not there")
        continue
      }
      let isLarger =
        parts.count == 1
        ? file.lines.count - 1 > Self.linesPerFileMax
        : FunctionExtent.all(in: file).contains {
          $0.name == parts[1] && $0.lineCount > Self.linesPerFunctionMax
        }
      #expect(isLarger, "'\(name)' need no longer be excepted")
    }
  }

  @Test func `the version in the code is the newest of the changelog`() throws {
    let changelog = try String(contentsOfFile: PackagePaths.root + "/CHANGELOG.md", encoding: .utf8)
    let identity = SourceFile.all.first { $0.path == "Sources/Linux/BuildIdentity.swift" }
    let newest = changelog.firstMatch(of: /\n## ([0-9.]+)/)?.1
    let inCode = identity?.lines.lazy.compactMap { $0.firstMatch(of: /version = "(.*)"/)?.1 }.first
    #expect(newest != nil)
    #expect(newest == inCode)
  }
}

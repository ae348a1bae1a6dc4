// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support

/// A text file of the project that people write: code, scripts, build files.
struct SourceFile {
  enum Language { case swift, c, script, other }

  /// Relative to the package's root.
  let path: String
  let language: Language
  let lines: [String]

  /// All of them, in the order of their paths.
  static let all: [SourceFile] = {
    let folders = [
      "Sources", "Tests", "sdk", "bootloader", "initramfs", "handlers", "benchmarks", ".ci",
    ]
    var paths = ["Package.swift", "Makefile"]
    for folder in folders {
      let names = FileManager.default.enumerator(atPath: "\(PackagePaths.root)/\(folder)")
      paths += (names?.compactMap { $0 as? String } ?? []).map { "\(folder)/\($0)" }
    }
    return paths.filter { !$0.hasPrefix("Tests/Golden/") }.sorted().compactMap(SourceFile.init)
  }()

  /// The module that a file of Sources belongs to.
  var module: String? {
    let parts = path.split(separator: "/")
    return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
  }

  var isDeviceCode: Bool { path.hasPrefix("Sources/") }

  /// Nil for what is no text file of ours: folders, data.
  private init?(path: String) {
    guard let data = FileManager.default.contents(atPath: "\(PackagePaths.root)/\(path)"),
      let text = String(data: data, encoding: .utf8)
    else { return nil }
    let name = path.split(separator: "/").last ?? ""
    let suffix = name.contains(".") ? name.split(separator: ".").last.map(String.init) : nil
    switch suffix {
    case "swift": language = .swift
    case "c", "h": language = .c
    case "sh", "py": language = .script
    case "modulemap", "mk": language = .other
    default:
      if text.hasPrefix("#!") {
        language = .script
      } else if name == "Makefile" {
        language = .other
      } else {
        return nil
      }
    }
    self.path = path
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }
}

/// A function as it stands in a file that `swift format` has laid out: it ends where a brace
/// closes at the depth it began at.
struct FunctionExtent {
  let name: String
  /// Counted from 1, both inclusive.
  let firstLine: Int
  let lastLine: Int

  var lineCount: Int { lastLine - firstLine + 1 }

  static func all(in file: SourceFile) -> [FunctionExtent] {
    switch file.language {
    case .swift: functions(in: file, beginning: swiftFunction)
    case .c: functions(in: file, beginning: cFunction)
    case .script: functions(in: file, beginning: shellFunction)
    case .other: []
    }
  }

  private static func swiftFunction(_ line: String) -> String? {
    guard
      let match = line.firstMatch(
        of: /^\s*(?:[@\w()]+ )*(?:func (`[^`]+`|[^\s(<]+)|(init|deinit|subscript)\b)/)
    else { return nil }
    return match.1.map(String.init) ?? match.2.map(String.init)
  }

  private static func cFunction(_ line: String) -> String? {
    guard
      let match = line.firstMatch(of: /^(?!typedef|struct|enum|extern|#)\w[^;=]*?\b(\w+)\([^;]*$/)
    else { return nil }
    return String(match.1)
  }

  private static func shellFunction(_ line: String) -> String? {
    line.firstMatch(of: /^(\w+)\(\) \{$/).map { String($0.1) }
  }

  private static func functions(
    in file: SourceFile, beginning: (String) -> String?
  ) -> [FunctionExtent] {
    file.lines.indices.compactMap { first in
      let line = file.lines[first]
      guard let name = beginning(line), !line.hasSuffix("}") else { return nil }
      let end = String(line.prefix { $0 == " " }) + "}"
      let last = file.lines[first...].firstIndex { $0 == end || $0.hasPrefix(end + " ") }
      // Without a body: a requirement of a protocol, a declaration.
      let next = file.lines[(first + 1)...].firstIndex { beginning($0) != nil }
      guard let last, last < next ?? Int.max || line.hasSuffix("{") else { return nil }
      return FunctionExtent(name: name, firstLine: first + 1, lastLine: last + 1)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Support
import Testing

/// Who may import whom: arrows point down only, and the doors stay the only doors.
///
///     coppice ──▶ everything below
///     SelfTest ─▶ what it checks; nothing imports it but coppice
///     Bench ────▶ what it measures; nothing imports it but coppice
///     Updater ──▶ Gateway, Uptane, Pull, Deploy, Configuration
///     Initramfs ─▶ Deploy, Configuration
///     Gateway ──▶ Transport, Uptane, Compression
///     Pull ─────▶ Transport, OSTree        Deploy ──▶ OSTree, Boot
///     Uptane ───▶ Cryptography, Codec      OSTree ──▶ Cryptography, Compression, Codec
///     Transport, Boot, Cryptography, Compression, Configuration ──▶ Linux, Codec
@Suite struct ModuleGraphTests {
  /// The arrows as they are drawn; what can be reached along them may be imported.
  static let arrows: [String: [String]] = [
    "coppice": ["SelfTest", "Bench", "Updater", "Initramfs"],
    "SelfTest": ["Updater", "Initramfs"],
    "Bench": ["Pull", "OSTree"],
    "Updater": ["Gateway", "Uptane", "Pull", "Deploy", "Configuration"],
    "Initramfs": ["Deploy", "Configuration"],
    "Gateway": ["Transport", "Uptane", "Compression"],
    "Pull": ["Transport", "OSTree"],
    "Deploy": ["OSTree", "Boot"],
    "Uptane": ["Cryptography", "Codec"],
    "OSTree": ["Cryptography", "Compression", "Codec"],
    "Transport": ["Linux", "Codec"],
    "Boot": ["Linux", "Codec"],
    "Cryptography": ["Linux", "Codec"],
    "Compression": ["Linux", "Codec"],
    "Configuration": ["Linux", "Codec"],
    "Linux": [],
    "Codec": [],
  ]

  /// C libraries, and the modules that are the doors to them.
  static let doors: [String: Set<String>] = [
    "CLinux": ["Linux"],
    "COpenSSL": ["Cryptography", "Transport"],
    "CNghttp2": ["Transport"],
    "CZlib": ["Compression"],
    "CUBootEnv": ["Boot"],
  ]

  /// Parts of the standard library that exist in Embedded Swift too.
  static let standardLibrary: Set<String> = ["Synchronization"]

  /// Bytes in, values out: no files, no sockets, no clock. What each may stand on and no more.
  static let pure: [String: Set<String>] = ["Codec": [], "Uptane": ["Cryptography", "Codec"]]

  static func reachable(from module: String) -> Set<String> {
    let next = arrows[module] ?? []
    return next.reduce(into: Set(next)) { $0.formUnion(reachable(from: $1)) }
  }

  static func mayImport(_ imported: String, from module: String) -> Bool {
    if let allowed = pure[module] { return allowed.contains(imported) }
    if let users = doors[imported] { return users.contains(module) }
    return standardLibrary.contains(imported) || reachable(from: module).contains(imported)
  }

  /// The module that an import line names: `public import struct Linux.Errno` names Linux.
  static func importedModule(_ line: String) -> String? {
    var words = line.split(separator: " ")[...]
    guard let keyword = words.firstIndex(of: "import") else { return nil }
    let modifiers: Set = ["public", "package", "internal", "fileprivate", "private"]
    let isImport = words[..<keyword].allSatisfy {
      $0.hasPrefix("@") || modifiers.contains(String($0))
    }
    guard isImport else { return nil }
    words = words[(keyword + 1)...]
    let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    if let kind = words.first, kinds.contains(String(kind)) { words.removeFirst() }
    return words.first.map { String($0.prefix { $0 != "." }) }
  }

  @Test func `every import follows the module graph`() {
    var importsSeen = 0
    for file in SourceFile.all where file.language == .swift {
      guard let module = file.module else { continue }
      for (index, line) in file.lines.enumerated() {
        guard let imported = Self.importedModule(line) else { continue }
        importsSeen += 1
        if !Self.mayImport(imported, from: module) {
          Issue.record("\(file.path):\(index + 1): \(module) may not import \(imported)")
        }
      }
    }
    #expect(importsSeen > 0)
  }

  @Test func `every module of Sources has its place in the graph`() {
    let modules = Set(SourceFile.all.compactMap(\.module))
    let known = Set(Self.arrows.keys).union(Self.doors.keys)
    #expect(modules.subtracting(known) == [], "modules that the graph does not know")
    #expect(known.subtracting(modules) == [], "modules of the graph that are not there")
  }

  @Test func `an arrow against the graph is seen`() {
    #expect(Self.mayImport("Codec", from: "Updater"))
    #expect(Self.mayImport("COpenSSL", from: "Transport"))
    #expect(!Self.mayImport("Transport", from: "OSTree"))
    #expect(!Self.mayImport("Pull", from: "Deploy"))
    #expect(!Self.mayImport("COpenSSL", from: "OSTree"))
    #expect(!Self.mayImport("Linux", from: "Codec"))
    #expect(!Self.mayImport("Linux", from: "Uptane"))
    #expect(!Self.mayImport("Foundation", from: "coppice"))
    #expect(Self.importedModule("public import struct Linux.Errno") == "Linux")
    #expect(Self.importedModule("@preconcurrency import Foundation") == "Foundation")
    #expect(Self.importedModule("// import Foundation") == nil)
  }
}

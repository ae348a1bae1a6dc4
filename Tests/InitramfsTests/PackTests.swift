// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// `initramfs/pack`, with folders of modules as depmod leaves them.
@Suite struct PackTests {
  private let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory("pack")
    try folder.write("executable", to: "coppice")
  }

  /// `needs` is modules.dep: the last one of a line is loaded first.
  private func makeModules(_ needs: String, softdeps: String = "", aliases: String = "") throws {
    for line in needs.split(separator: "\n") {
      let path = line.prefix { $0 != ":" }
      try folder.write("module \(path)", to: "modules/\(path)")
    }
    try folder.write(needs, to: "modules/modules.dep")
    try folder.write("kernel/fs/nls_base.ko\n", to: "modules/modules.builtin")
    try folder.write(softdeps, to: "modules/modules.softdep")
    try folder.write(aliases, to: "modules/modules.alias")
  }

  private func pack(_ names: String...) throws -> ProgramResult {
    let words = [
      "--coppice", folder.file("coppice"), "--compress", "none", "-o", folder.file("initramfs"),
      "--modules", folder.file("modules"),
    ]
    return try run(
      PackagePaths.root + "/initramfs/pack", arguments: words + names.flatMap { ["--module", $0] })
  }

  /// The lines of `modules/list` in the archive.
  private func list() throws -> [String] {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.file("initramfs")))
    let name = try #require(bytes.range(of: Data("modules/list\0".utf8)))
    let rest = bytes[name.upperBound...].drop { $0 == 0 }
    let end = try #require(rest.range(of: Data("070701".utf8)))
    let text = String(decoding: rest[..<end.lowerBound].filter { $0 != 0 }, as: UTF8.self)
    return text.split(separator: "\n").map(String.init)
  }

  @Test func `what a module needs stands before it, and each once`() throws {
    try makeModules("fs/ubifs.ko: ubi.ko mtd.ko crc16.ko\nubi.ko: mtd.ko\nmtd.ko:\ncrc16.ko:\n")
    #expect(try pack("ubi mtd=0", "ubifs", "nls_base").status == 0)
    #expect(try list() == ["mtd.ko", "ubi.ko mtd=0", "crc16.ko", "ubifs.ko"])
  }

  @Test func `parameters may be given to what came along already`() throws {
    try makeModules("fs/ubifs.ko: ubi.ko\nubi.ko:\n")
    #expect(try pack("ubifs", "ubi mtd=0").status == 0)
    #expect(try list() == ["ubi.ko mtd=0", "ubifs.ko"])
  }

  @Test func `what a module wishes for comes along, by any of its names`() throws {
    try makeModules(
      """
      fs/ext4.ko: fs/jbd2.ko lib/crc16.ko
      fs/jbd2.ko:
      lib/crc16.ko:
      crypto/crc32c_generic.ko:
      crypto/crc32c-intel.ko: crypto/simd.ko
      crypto/simd.ko:
      net/late.ko:

      """,
      softdeps: """
        # of the modules themselves
        softdep ext4 pre: crypto-crc32c nls-base not-built post: late
        softdep jbd2 pre: crypto-crc32c
        softdep cifs gcm

        """,
      aliases: """
        alias crypto-crc32c crc32c_intel
        alias crypto-crc32c crc32c_generic
        alias crypto-gone gone

        """)
    #expect(try pack("ext4").status == 0)
    #expect(
      try list() == [
        "simd.ko", "crc32c-intel.ko", "crc32c_generic.ko", "crc16.ko", "jbd2.ko", "ext4.ko",
        "late.ko",
      ])
  }

  @Test func `wishes that go round in circles end`() throws {
    try makeModules(
      "a.ko: c.ko\nb.ko:\nc.ko:\n",
      softdeps: "softdep a pre: b\nsoftdep b pre: a post: c\nsoftdep c post: a\n")
    #expect(try pack("a").status == 0)
    #expect(try list() == ["b.ko", "c.ko", "a.ko"])
  }

  @Test func `a module that is not there is an error, and nothing is written`() throws {
    try makeModules("a.ko:\n")
    let result = try pack("a", "b")
    #expect(result.status != 0)
    #expect(result.standardError.contains("no module 'b'"))
    #expect(!FileManager.default.fileExists(atPath: folder.file("initramfs")))
  }
}

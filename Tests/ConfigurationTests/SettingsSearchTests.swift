// SPDX-License-Identifier: Apache-2.0
import Codec
import Configuration
import Foundation
import Linux
import Support
import Testing

@Suite struct SettingsSearchTests {
  let root: TemporaryDirectory

  init() throws { root = try TemporaryDirectory("configuration") }

  func load() -> Result<Settings, ConfigurationError> {
    Result { () throws(ConfigurationError) in try Settings.load(root: root.path) }
  }

  @Test func `without files there are defaults`() throws {
    let settings = try load().get()
    #expect(settings.files == [])
    #expect(settings.origin(of: .retries) == .builtIn)
  }

  @Test func `the vendor's file comes before the owner's, and drop-ins after both by name`() throws
  {
    let vendor = try root.write(
      "[pull]\nretries=1\nconnections=2\n", to: "usr/lib/coppice/coppice.conf")
    let owner = try root.write(
      "[pull]\nretries=2\n[device]\nref=o\n", to: "etc/coppice/coppice.conf")
    let third = try root.write(
      "[pull]\nretries=30\n", to: "usr/lib/coppice/coppice.conf.d/30-c.conf")
    let first = try root.write("[pull]\nretries=10\n", to: "etc/coppice/coppice.conf.d/10-a.conf")
    let second = try root.write("[device]\nref=r\n", to: "run/coppice/coppice.conf.d/20-b.conf")
    let settings = try load().get()
    #expect(settings.files == [vendor, owner, first, second, third])
    #expect(settings.retries == 30)
    #expect(settings.origin(of: .retries) == .file(path: third, line: 2))
    #expect(settings.connections == 2)
    #expect(settings.origin(of: .connections) == .file(path: vendor, line: 3))
    #expect(settings.ref == "r")
  }

  @Test func `of drop-ins with one name that of etc is read, else that of run`() throws {
    try root.write(
      "[pull]\nretries=1\nconnections=1\n", to: "usr/lib/coppice/coppice.conf.d/a.conf")
    try root.write("[pull]\nretries=2\n", to: "run/coppice/coppice.conf.d/a.conf")
    try root.write("[pull]\nretries=3\n", to: "etc/coppice/coppice.conf.d/a.conf")
    try root.write("[device]\nref=v\n", to: "usr/lib/coppice/coppice.conf.d/b.conf")
    let run = try root.write("[device]\nref=r\n", to: "run/coppice/coppice.conf.d/b.conf")
    let settings = try load().get()
    #expect(settings.retries == 3)
    #expect(settings.connections == Settings().connections)
    #expect(settings.ref == "r")
    #expect(settings.origin(of: .ref) == .file(path: run, line: 2))
  }

  @Test func `an empty file or a link to nothing silences the vendor's`() throws {
    for name in ["a", "b"] {
      try root.write("[pull]\nretries=9\n", to: "usr/lib/coppice/coppice.conf.d/\(name).conf")
    }
    try root.write("", to: "etc/coppice/coppice.conf.d/a.conf")
    try FileManager.default.createSymbolicLink(
      atPath: root.file("etc/coppice/coppice.conf.d/b.conf"), withDestinationPath: "/dev/null")
    #expect(try load().get().retries == Settings().retries)
  }

  @Test func `only files named conf are read, and a folder of that name is a warning`() throws {
    for name in ["a.conf~", ".b.conf", "README", ".conf"] {
      try root.write("not a keyfile", to: "etc/coppice/coppice.conf.d/\(name)")
    }
    let folder = try root.makeDirectory("etc/coppice/coppice.conf.d/c.conf")
    let settings = try load().get()
    #expect(settings.files == [])
    #expect(settings.warnings == [.notAFile(path: folder)])
  }

  @Test func `an error names the file that is wrong`() throws {
    try root.write("[pull]\nretries=1\n", to: "etc/coppice/coppice.conf")
    let path = try root.write("[pull]\n\nretries=many\n", to: "etc/coppice/coppice.conf.d/a.conf")
    #expect(
      load().map(\.retries)
        == .failure(
          .value(
            path: path, line: 3, .retries, value: "many", expected: .integer(0...100))))
  }

  @Test func `a file given by name is read alone and must be there`() throws {
    try root.write("[pull]\nretries=1\n", to: "etc/coppice/coppice.conf")
    let path = try root.write("[pull]\nconnections=7\n", to: "own.conf")
    let settings = try Settings.load(file: path)
    #expect(settings.files == [path])
    #expect(settings.connections == 7)
    #expect(settings.retries == Settings().retries)
    let missing = root.file("missing.conf")
    let result = Result { () throws(ConfigurationError) in try Settings.load(file: missing).retries
    }
    #expect(result == .failure(.file(path: missing, .notFound)))
  }

  @Test func `a file that is too long to be a configuration is refused`() throws {
    let path = try root.write([UInt8](repeating: 0x23, count: (1 << 20) + 1), to: "big.conf")
    let result = Result { () throws(ConfigurationError) in try Settings.load(file: path).retries }
    #expect(result == .failure(.file(path: path, .overflow)))
  }
}

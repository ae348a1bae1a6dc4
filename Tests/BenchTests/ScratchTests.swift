// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Bench

@Suite struct ScratchTests {
  private func names(_ folder: TemporaryDirectory) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func `what a killed run has left is removed, and nothing else`() throws {
    let folder = try TemporaryDirectory("scratch")
    try folder.makeDirectory(".coppice-bench.4194999/files")
    try folder.write("", to: ".coppice-bench.4194999/lock")
    // Killed before it had its lock.
    try folder.makeDirectory(".coppice-bench.4194998")
    try folder.makeDirectory("other")
    let scratch = try Scratch(in: folder.path)
    #expect(try names(folder) == [".coppice-bench.\(Process.identifier)", "other"])
    try scratch.remove()
    #expect(try names(folder) == ["other"])
  }

  @Test func `another run that goes on is left alone`() throws {
    let folder = try TemporaryDirectory("scratch")
    try folder.makeDirectory(".coppice-bench.4194999")
    let lock = try FileDescriptor.open(
      folder.file(".coppice-bench.4194999/lock"), [.readWrite, .create])
    #expect(try lock.tryLock(.exclusive))
    // Begins at this moment: its process is this one.
    let young = ".coppice-bench.\(ProcessInfo.processInfo.processIdentifier)"
    try folder.makeDirectory(young)
    #expect(throws: (any Error).self) { _ = try Self.path(in: folder.path) }
    #expect(try names(folder) == [young, ".coppice-bench.4194999"].sorted())
    lock.unlock()
  }

  private static func path(in folder: String) throws -> String {
    try Scratch(in: folder).path
  }

  @Test func `a directory that is none is said to be none`() throws {
    let folder = try TemporaryDirectory("scratch")
    try folder.write("", to: "file")
    for name in ["missing", "file"] {
      var found: BenchError?
      do throws(BenchError) { _ = try Scratch(in: folder.file(name)) } catch { found = error }
      guard case .notADirectory(folder.file(name)) = found else {
        Issue.record("\(name): \(String(describing: found))")
        continue
      }
    }
  }

  @Test func `a saved run is read, and what is none is refused`() throws {
    let folder = try TemporaryDirectory("scratch")
    try folder.write(
      """
      {"schema":"coppice.bench/1","version":"0.1.0","date":"2026-11-22T00:00:00Z",
       "machine":{"board":null,"processor":"a","architecture":"b","features":["x"],"cores":2,
        "governor":null,"frequency_max_khz":1000,"memory_bytes":5,"kernel":"k","file_system":"f"},
       "results":[{"suite":"hash","name":"memory","parameters":{"threads":1,"cache":"hot"},
         "median":7,"unit":"bytes/s"},{"suite":"later","name":"x"},{"suite":"hash"}]}
      """, to: "run")
    let run = try SavedRun.load(folder.file("run"))
    let name = BenchName(
      suite: .hash, name: "memory", parameters: [.number("threads", 1), .word("cache", "hot")])
    let other = BenchName(suite: .hash, name: "memory", parameters: [.number("threads", 2)])
    #expect(run.median(of: BenchResult(name, .bytesPerSecond, [1])) == 7)
    #expect(run.median(of: BenchResult(name, .objectsPerSecond, [1])) == nil)
    #expect(run.median(of: BenchResult(other, .bytesPerSecond, [1])) == nil)
    #expect(run.machine.features == ["x"] && run.machine.frequencyMaxKilohertz == 1000)

    for (name, text) in [("json", "{"), ("schema", #"{"schema":"coppice.status/1"}"#)] {
      try folder.write(text, to: name)
      #expect(throws: (any Error).self) { try SavedRun.load(folder.file(name)) }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import OSTree
import Support
import Testing

@testable import Bench

/// Whole suites, with as little time as they can be given.
@Suite struct BenchTests {
  private func run(_ suites: [BenchSuite]) throws -> BenchReport {
    let folder = try TemporaryDirectory("bench")
    var options = BenchOptions(directory: folder.path, seconds: 1)
    options.suites = suites
    options.isPatient = true
    let report = try Bench.run(options)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    for result in report.results {
      #expect(result.median > 0, "\(result)")
      #expect(result.min <= result.median && result.median <= result.max, "\(result)")
      #expect(result.runs >= 3, "\(result)")
    }
    #expect(Set(report.results.map { $0.name }).count == report.results.count)
    return report
  }

  private func names(_ report: BenchReport) -> Set<String> {
    Set(report.results.map { $0.name.name })
  }

  @Test func `hashing is measured by every way, and ends with advice`() throws {
    let report = try run([.hash])
    #expect(names(report) == ["memory", "read", "map", "default"])
    let advice = try #require(report.advice)
    #expect(advice.threads.map { (1...Thread.cores).contains($0) } == true)
    #expect(advice.windowBytes.map { HashMeasure.windows.contains($0) } == true)
    #expect(advice.bufferBytes.map { HashMeasure.buffers.contains($0) } == true)
  }

  @Test func `what inflate takes and what it gives fit the ratio of the data`() throws {
    let report = try run([.inflate])
    #expect(names(report) == ["in", "out"])
    for kind in ["random", "sparse"] {
      let rates = report.results.filter {
        $0.name.parameters.contains { $0 == .word("data", kind) }
      }
      let packed = try #require(rates.first { $0.name.name == "in" }?.median)
      let plain = try #require(rates.first { $0.name.name == "out" }?.median)
      if kind == "random" { #expect(packed >= plain) } else { #expect(plain > 3 * packed) }
    }
  }

  @Test func `objects are stored in every way`() throws {
    let report = try run([.store])
    #expect(
      names(report)
        == ["create", "create-fsync", "create-syncfs", "rename", "stage", "publish"])
    #expect(report.results.allSatisfy { $0.unit == .objectsPerSecond })
  }

  @Test func `trees are made by links, folders and checkouts`() throws {
    #expect(names(try run([.checkout])) == ["link", "mkdir", "checkout"])
  }

  @Test func `what needs another process is left out where there is none`() throws {
    let report = try run([.pull])
    #expect(report.results.isEmpty)
    #expect(report.notes == [.leftOut(.pull, count: 7)])
  }

  @Test func `the bare loop gives what a pull gives, and no damaged object`() throws {
    let folder = try TemporaryDirectory("bench")
    let status = try FileDescriptor.openDirectory(folder.path).status()
    let archive = try Repo.create(folder.file("archive"), mode: .archive)
    var payload = Payload()
    let tree = try SampleTree(in: archive, files: 30, perFolder: 7, owner: status, &payload) {
      $0.number(below: 300_000)
    }
    #expect(tree.folders == 5)
    try folder.makeDirectory("target")
    let loop = try BareLoop(folder.file("archive"), folder.file("target"))
    try loop.run()
    // Files, their folders, the root, one dirmeta, the commit.
    #expect(loop.objects == 30 + 5 + 1 + 1 + 1)

    let objects = try FileManager.default.subpathsOfDirectory(
      atPath: folder.file("archive/objects"))
    let name = try #require(objects.sorted().first { $0.hasSuffix(".filez") })
    var bytes = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: folder.file("archive/objects/\(name)"))))
    bytes[bytes.count / 2] ^= 0x10
    try Data(bytes).write(to: URL(fileURLWithPath: folder.file("archive/objects/\(name)")))
    try folder.makeDirectory("other")
    #expect(throws: (any Error).self) { try Self.runLoop(folder) }
  }

  private static func runLoop(_ folder: TemporaryDirectory) throws {
    try BareLoop(folder.file("archive"), folder.file("other")).run()
  }

  @Test func `each way of hashing sees every byte`() throws {
    let folder = try TemporaryDirectory("bench")
    let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
    try Data(content).write(to: URL(fileURLWithPath: folder.file("file")))
    let file = try FileDescriptor.open(folder.file("file"))
    let ways: [HashMethod.Way] = [
      .read(bufferBytes: 16 << 10), .map(windowBytes: 64 << 10), .map(windowBytes: nil), .fileHash,
    ]
    for way in ways {
      for (advice, drops) in HashMethod.samples {
        var hasher = PartHasher(HashMethod(way: way, advice: advice, dropsBehind: drops))
        let whole = HashPart(name: "file", offset: 0, count: Int64(content.count))
        #expect(try hasher.hash(file, whole) == Samples.checksum(content))
        if way == .fileHash { continue }
        let end = HashPart(name: "file", offset: 65536, count: Int64(content.count) - 65536)
        #expect(try hasher.hash(file, end) == Samples.checksum(Array(content[65536...])))
      }
    }
  }

  @Test func `this machine is described`() throws {
    let machine = Machine(directory: try FileDescriptor.openDirectory("/proc"))
    #expect(machine.fileSystem == "proc")
    #expect(machine.cores == Thread.cores)
    #expect(machine.memoryBytes > machine.availableBytes && machine.availableBytes > 0)
    #expect(machine.processor != nil)
    #expect(machine.differences(from: machine) == [])
    #expect(ArmCore.name(implementer: "0x41", part: "0xd03") == "Cortex-A53")
    #expect(ArmCore.name(implementer: "0x42", part: "0xd03") == nil)
  }
}

extension HashMethod {
  fileprivate static let samples: [(Advice, Bool)] = [
    (.none, false), (.sequential, false), (.sequential, true), (.populate, false),
  ]
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Static deltas as `ostree static-delta generate` makes them without being asked: their xz wants a
/// dictionary of 32 MiB, which is not in memory here.
@Suite struct DeltaMemoryTests {
  @Test func `a default delta does not need its dictionary in memory`() throws {
    let fixture = try PeerFixture("delta-memory", empty: true)
    try fixture.publishFarRepeats()
    let repo = try fixture.repo("bare-user")
    let large = try fixture.mustPull(into: repo)
    let delta = try #require(large.pulled?.deltas.first)
    #expect(delta.passedOver == nil && delta.parts == 1 && delta.objects > 10, "\(large)")
    try fixture.check(repo)

    let small = try PeerFixture()
    let few = try small.mustPull(into: small.repo("bare-user"))
    let growth = try #require(large.pulled?.peakRssBytes) - #require(few.pulled?.peakRssBytes)
    #expect(growth < 4 << 20, "a part of 30 MB costs \(growth) bytes more than sixty files")
  }

  /// Runs where `make device ARCH=x86_64` was run before, or with COPPICE_DEVICE=PATH.
  @Test(.enabled(if: DeviceBinary.isBuilt), arguments: [[], ["--inline"]])
  func `the binary of the device keeps its promise with deltas`(_ options: [String]) throws {
    let fixture = try PeerFixture("delta-memory", empty: true)
    try fixture.publishFarRepeats(options)
    let repo = try fixture.repo("bare-user")
    let run = try Coppice(
      ["pull", "--repo", repo.path, "origin", "os/main"], binary: DeviceBinary.path)
    #expect(run.pulled?.deltas.first?.passedOver == nil, "\(run)")
    let peak = try #require(run.pulled?.peakRssBytes)
    #expect(peak <= MemoryTests.peakBytesMax, "\(peak) bytes at the most")
    try fixture.check(repo)
  }

  /// A superblock that lists a hundred thousand objects takes 3.5 MB.
  @Test(.enabled(if: DeviceBinary.isBuilt && Slow.isWanted))
  func `a delta of a hundred thousand objects keeps the promise too`() throws {
    let fixture = try PeerFixture("delta-many", empty: true)
    let tree = try fixture.folder.makeDirectory("many")
    let script = """
      import os, sys
      for folder in range(100):
          os.makedirs(f'{sys.argv[1]}/usr/{folder}')
          for file in range(1000):
              with open(f'{sys.argv[1]}/usr/{folder}/{file}', 'w') as out:
                  out.write(f'{folder}/{file}')
      """
    try mustRun("python3", "-c", script, tree)
    try fixture.server.commit(tree, to: "os/main", "--fsync=no")
    try fixture.makeDelta(["--empty"])
    let repo = try fixture.repo("bare-user")
    let run = try Coppice(
      ["pull", "--repo", repo.path, "origin", "os/main"], binary: DeviceBinary.path)
    #expect(run.pulled?.deltas.first?.passedOver == nil, "\(run)")
    let peak = try #require(run.pulled?.peakRssBytes)
    #expect(peak <= MemoryTests.peakBytesMax, "\(peak) bytes at the most")
    try repo.fsck()
  }
}

extension PeerFixture {
  /// Files of 3 MB that do not pack, and each of them once more with a few bytes changed: what a
  /// part refers to is 15 MB before it.
  fileprivate func publishFarRepeats(_ options: [String] = []) throws {
    let tree = try folder.makeDirectory("far")
    let script = """
      import random, sys
      source = random.Random(5)
      files = [bytearray(source.randbytes(3_000_000)) for _ in range(5)]
      for turn in range(2):
          for number, content in enumerate(files):
              for place in range(0, turn * len(content), 70_000):
                  content[place] ^= 0x55
              open(f'{sys.argv[1]}/{turn}{number}', 'wb').write(content)
      """
    try mustRun("python3", "-c", script, tree)
    try server.commit(tree, to: "os/main", "--fsync=no")
    try makeDelta(["--empty"] + options)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// `kill -9` at any moment: what is there is sound, and running it again completes it.
@Suite struct KillTests {
  private static let momentsMax = 10

  @Test func `a pull that is killed at ten moments is completed by the next one`() throws {
    let fixture = try PeerFixture("kill", empty: true)
    try fixture.publishRandom(megabytes: 4)
    let commit = try fixture.commit()
    // Slow enough for a kill to meet it in every phase.
    let (rate, seconds) = ("--limit-rate=4000000", 1.4)
    var random = SeededRandom.ofThisRun()
    var kills = 0
    for moment in 1...Self.momentsMax {
      let repo = try fixture.repo("bare-user", "ours\(moment)", core: [])
      let pull = try fixture.startPull(into: repo, rate, "os/main")
      let delay = seconds * Double(moment - 1) / Double(Self.momentsMax) + random.below(0.14)
      Thread.sleep(forTimeInterval: delay)
      pull.send(signal: SIGKILL)
      let status = try pull.wait(seconds: 60).status
      #expect(status == 128 + SIGKILL || status == 0)
      if status != 0 { kills += 1 }
      try repo.fsck()
      // The ref moves last: where it is, all else is.
      if try repo.ref("origin:os/main") != nil {
        #expect(!repo.isPartial(commit), "killed after \(delay) s, seed \(random.seed)")
      }

      let run = try fixture.mustPull(into: repo)
      #expect(run.exit == 0, "killed after \(delay) s, seed \(random.seed)")
      #expect(try repo.ref("origin:os/main") == commit)
      #expect(!repo.isPartial(commit))
      #expect(try repo.staged() == [], "killed after \(delay) s, seed \(random.seed)")
    }
    #expect(kills >= Self.momentsMax / 2, "most of the pulls had ended before they were killed")
  }

  @Test func `a pull by static delta that is killed is completed by the next one`() throws {
    let fixture = try PeerFixture("kill-delta", empty: true)
    try fixture.publishRandom(megabytes: 6)
    try fixture.makeDelta(["--empty", "--max-chunk-size=1", "--min-fallback-size=100"])
    let commit = try fixture.commit()
    let (rate, seconds) = ("--limit-rate=6000000", 1.4)
    var random = SeededRandom.ofThisRun()
    var kills = 0
    for moment in 1...6 {
      let repo = try fixture.repo("bare-user", "ours\(moment)", core: [])
      let pull = try fixture.startPull(into: repo, rate, "os/main")
      let delay = seconds * Double(moment) / 7 + random.below(0.1)
      Thread.sleep(forTimeInterval: delay)
      pull.send(signal: SIGKILL)
      guard try pull.wait(seconds: 60).status != 0 else { continue }
      kills += 1
      try repo.fsck()
      let before = try fixture.web.requests().count
      let run = try fixture.mustPull(into: repo)
      let delta = try #require(run.pulled?.deltas.first, "killed after \(delay) s, \(run)")
      #expect(delta.passedOver == nil)
      let parts = try fixture.web.requests().dropFirst(before).filter { $0.contains("/deltas/") }
      #expect(parts.count == delta.parts + 1, "seed \(random.seed)")
      try fixture.check(repo)
      #expect(!repo.isPartial(commit))
    }
    #expect(kills >= 3, "most of the pulls had ended before they were killed")
  }

  @Test(arguments: DeviceFixture.canHaveOwnBoot ? [false, true] : [false])
  func `a deploy that is killed at ten moments leaves the old order or the new one`(
    hasOwnBoot: Bool
  ) throws {
    let device = try DeviceFixture(hasOwnBoot: hasOwnBoot)
    try device.upgrade(to: 1)
    var random = SeededRandom.ofThisRun()
    // How long a deploy takes here and today.
    try device.publish(2)
    try device.must("pull", "origin", DeviceFixture.ref)
    let start = Date.now
    try device.must("deploy", DeviceFixture.refspec)
    var seconds = Date.now.timeIntervalSince(start)
    try device.publish(3)
    try device.must("pull", "origin", DeviceFixture.ref)
    var ended: [String] = []
    var kills = 0
    for moment in 1...Self.momentsMax {
      // From 2.0 to 3.0 and back, again and again.
      let version = moment % 2 == 1 ? 3 : 2
      let before = try device.order()
      let deploy = try device.start("deploy", "--retain", DeviceFixture.versions[version - 1])
      let delay = seconds * Double(moment - 1) / Double(Self.momentsMax) + random.below(0.02)
      Thread.sleep(forTimeInterval: delay)
      deploy.send(signal: SIGKILL)
      if try deploy.wait(seconds: 60).status == 128 + SIGKILL {
        kills += 1
      } else {
        seconds = min(seconds, delay)  // The machine is less busy than it was.
      }

      // Before anything is run again.
      let what = "killed after \(delay) s, seed \(random.seed)"
      let after = try device.order()
      ended.append(after == before ? "old" : "new")
      let isNew = after.count == before.count + 1 && Array(after.dropFirst()) == before
      #expect(after == before || isNew, "\(what): \(before) became \(after)")
      #expect(!isNew || after[0].hasPrefix("\(version)."), "\(what): \(after)")
      #expect(try device.bootOrder().count == after.count, "\(what)")
      #expect(try device.defectsOfDefault() == "", "\(what)")
      try device.repo.fsck()

      try device.must("deploy", DeviceFixture.versions[version - 1])
      #expect(try device.order().first?.hasPrefix("\(version).") == true, "\(what)")
      #expect(try device.order().count == 2, "\(what)")
      #expect(try device.defectsOfDefault() == "", "\(what)")
      let leftovers = try device.leftovers()
      #expect(leftovers == [], "\(what)")
    }
    #expect(ended.contains("old"), "no kill came before the commit step")
    #expect(kills >= Self.momentsMax / 2, "most of the deploys had ended before they were killed")
  }
}

/// Random numbers that come again for the same seed: COPPICE_SEED, or a new one.
struct SeededRandom {
  let seed: UInt64
  private var state: UInt64

  static func ofThisRun() -> SeededRandom {
    let given = ProcessInfo.processInfo.environment["COPPICE_SEED"].flatMap { UInt64($0) }
    let seed = given ?? UInt64.random(in: 1...UInt64.max)
    print("COPPICE_SEED=\(seed)")
    return SeededRandom(seed: seed, state: seed)
  }

  /// splitmix64.
  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// From 0 to `limit`.
  mutating func below(_ limit: Double) -> Double {
    Double(next() >> 11) / 9_007_199_254_740_992 * limit
  }
}

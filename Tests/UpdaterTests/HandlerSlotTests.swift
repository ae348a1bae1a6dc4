// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Testing

@testable import Updater

@Suite struct HandlerSlotTests {
  private func target(_ name: String, correlation: String? = nil) throws -> HandledTarget {
    let content = try #require(TargetContent(lengthBytes: 1, sha256: SHA256.hash([7])))
    return try #require(
      HandledTarget(
        name: name, version: nil, format: "BINARY", content: content, correlationID: correlation))
  }

  private func slot(
    _ phase: HandlerSlot.Phase?, with system: HandledSystem? = nil, boot: String = "one"
  ) throws -> HandlerSlot {
    var slot = HandlerSlot(handler: "radio", HandlerFixture.ecu)
    slot.proven = try target("old")
    if let phase {
      slot.begin(try target("new"), with: system, boot: boot)
      slot.attempt?.phase = phase
    }
    return slot
  }

  private static let running = SystemStanding.running(isProven: true)
  private static let onTrial = SystemStanding.running(isProven: false)
  private static let gone = SystemStanding.gone(isRejected: false)
  private static let fellBack = SystemStanding.gone(isRejected: true)
  private static let takeBack = HandlerStep.revert(isRejected: false)
  private static let reject = HandlerStep.revert(isRejected: true)

  /// What is next in the boot in which the phase was reached, and in another one.
  @Test(
    arguments: [
      (.applying, .alone, .apply, .apply), (.applying, .awaited, .apply, .apply),
      (.applying, onTrial, .apply, .apply), (.applying, running, .apply, .apply),
      (.applying, gone, takeBack, takeBack), (.applying, fellBack, reject, reject),

      (.applied, .alone, .verify, .verify), (.applied, .awaited, .restart, .restart),
      (.applied, onTrial, .verify, .verify), (.applied, running, .verify, .verify),
      (.applied, gone, takeBack, takeBack), (.applied, fellBack, reject, reject),

      (.restart, .alone, .restart, .verify), (.restart, .awaited, .restart, .restart),
      (.restart, onTrial, .restart, .verify), (.restart, running, .restart, .verify),
      (.restart, gone, takeBack, takeBack), (.restart, fellBack, reject, reject),

      (.verified, .alone, .prove, .verify), (.verified, .awaited, .restart, .restart),
      (.verified, onTrial, .nothing, .verify), (.verified, running, .prove, .verify),
      (.verified, gone, takeBack, takeBack), (.verified, fellBack, reject, reject),

      (.reverting, .alone, takeBack, takeBack), (.reverting, .awaited, takeBack, takeBack),
      (.reverting, onTrial, takeBack, takeBack), (.reverting, running, takeBack, takeBack),
      (.reverting, gone, takeBack, takeBack), (.reverting, fellBack, takeBack, takeBack),
    ] as [(HandlerSlot.Phase, SystemStanding, HandlerStep, HandlerStep)])
  func `each phase has one next step for each standing of its system`(
    phase: HandlerSlot.Phase, standing: SystemStanding, here: HandlerStep, later: HandlerStep
  ) throws {
    let slot = try slot(phase)
    #expect(slot.next(.unknown, standing, boot: "one") == here)
    #expect(slot.next(.unknown, standing, boot: "two") == later)
    // Where nobody knows the boot, every one counts as another.
    let unknown = try self.slot(phase, boot: "")
    #expect(unknown.next(.unknown, standing, boot: "") == later)
  }

  @Test func `what is wanted is begun, unless it is there or was taken back`() throws {
    var slot = try slot(nil)
    #expect(slot.next(.unknown, .alone, boot: "one") == .nothing)
    #expect(slot.next(.nothing, .alone, boot: "one") == .nothing)
    #expect(slot.next(.target(try target("old")), .alone, boot: "one") == .nothing)
    let wanted = try target("new", correlation: "a")
    #expect(slot.next(.target(wanted), .alone, boot: "one") == .apply)

    slot.begin(wanted, with: nil, boot: "one")
    slot.applied(.failed, boot: "one")
    slot.reverted(.done)
    #expect(slot.next(.target(wanted), .alone, boot: "one") == .nothing)
    let anew = try target("new", correlation: "b")
    #expect(slot.next(.target(anew), .alone, boot: "one") == .apply)
  }

  @Test func `what was cut off is taken back if something else is wanted now`() throws {
    let slot = try slot(.applying)
    #expect(slot.next(.target(try target("new")), .alone, boot: "one") == .apply)
    #expect(slot.next(.target(try target("other")), .alone, boot: "one") == Self.takeBack)
    #expect(slot.next(.nothing, .alone, boot: "one") == Self.takeBack)
  }

  @Test func `what was applied is brought to its end whatever is wanted now`() throws {
    for phase in [HandlerSlot.Phase.applied, .restart, .verified] {
      let slot = try slot(phase)
      let step = slot.next(.unknown, .alone, boot: "one")
      #expect(slot.next(.target(try target("other")), .alone, boot: "one") == step)
    }
  }

  @Test(
    arguments: [
      (.done, .applied), (.restart, .restart), (.later, .applying), (.failed, .reverting),
    ] as [(HandlerEnd, HandlerSlot.Phase)])
  func `how apply ends decides the phase`(end: HandlerEnd, phase: HandlerSlot.Phase) throws {
    var slot = try slot(.applying)
    slot.applied(end, boot: "two")
    #expect(slot.attempt?.phase == phase)
    #expect(slot.attempt?.boot == (end == .later ? "one" : "two"))
    #expect(slot.attempt?.isRejected == (end == .failed))
  }

  @Test(
    arguments: [
      (.done, .alone, .verified), (.done, onTrial, .verified), (.done, running, .verified),
      (.failed, .alone, .reverting), (.failed, onTrial, .applied), (.failed, running, .reverting),
    ] as [(HandlerEnd, SystemStanding, HandlerSlot.Phase)])
  func `what is not well is taken back, on trial by the fallback of its system`(
    end: HandlerEnd, standing: SystemStanding, phase: HandlerSlot.Phase
  ) throws {
    var slot = try slot(.applied)
    slot.verified(end, standing, boot: "two")
    #expect(slot.attempt?.phase == phase)
    #expect(slot.attempt?.boot == "two")
  }

  @Test func `what is proven is what the next failure goes back to`() throws {
    var slot = try slot(.verified)
    slot.prove()
    #expect(slot.proven == (try target("new")))
    #expect(slot.attempt == nil)
  }

  @Test func `a revert that failed stays to be done, and its cause is not lost`() throws {
    var slot = try slot(.applying)
    slot.applied(.failed, boot: "one")
    slot.reverted(.failed)
    #expect(slot.next(.nothing, .alone, boot: "two") == Self.reject)
    slot.beginReverting(isRejected: false, boot: "two")
    slot.reverted(.done)
    #expect(slot.attempt == nil)
    #expect(slot.proven == (try target("old")))
    #expect(slot.rejected == [try target("new")])
  }

  @Test func `what was tried again and proven is rejected no longer; few are remembered`() throws {
    var slot = try slot(nil)
    for number in 0..<6 {
      slot.begin(try target("\(number)"), with: nil, boot: "one")
      slot.applied(.failed, boot: "one")
      slot.reverted(.restart)
    }
    #expect(slot.rejected.map(\.name) == ["5", "4", "3", "2"])
    slot.begin(try target("4", correlation: "again"), with: nil, boot: "one")
    #expect(slot.rejected.map(\.name) == ["5", "3", "2"])
  }

  @Test func `where a system stands`() {
    #expect(HandlerSituation.before.standing(of: nil) == .alone)
    #expect(HandlerSituation.before.standing(of: .old) == .running(isProven: true))
    #expect(HandlerSituation.before.standing(of: .new) == .gone(isRejected: false))
    #expect(HandlerSituation.deploying.standing(of: .new) == .awaited)
    #expect(HandlerSituation.deployed.standing(of: .new) == .awaited)
    #expect(HandlerSituation.new(isProven: false).standing(of: .new) == .running(isProven: false))
    #expect(HandlerSituation.fellBack.standing(of: .new) == .gone(isRejected: true))
    // Rejected, and not yet out of boot order: that is what a cut of the fallback leaves.
    var cut = HandlerSituation.fellBack
    cut.next = .new
    #expect(cut.standing(of: .new) == .gone(isRejected: true))
  }

  // MARK: Text

  @Test func `every slot is read as it was written`() throws {
    var record = HandlerRecord()
    for phase in HandlerSlot.Phase.allCases {
      var slot = HandlerSlot(
        handler: phase.rawValue,
        try #require(HandledECU(serial: " [a]=b;\\n\(phase.rawValue)", hardwareID: "")))
      let system = phase == .applied ? HandledSystem.new : nil
      slot.begin(try target("1 ; é"), with: nil, boot: "one")
      slot.applied(.failed, boot: "one")
      slot.reverted(.done)
      slot.begin(try target("2", correlation: " x"), with: system, boot: "two")
      slot.attempt?.phase = phase
      slot.attempt?.isRejected = phase == .reverting
      if phase != .applying { slot.proven = try target("3") }
      record.set(slot)
    }
    #expect(HandlerRecord(parsing: record.serialized()) == record)
    #expect(HandlerRecord(parsing: HandlerRecord().serialized()) == HandlerRecord())
  }

  @Test func `half a record counts as none`() throws {
    var record = HandlerRecord()
    record.set(try slot(.applied, with: .new))
    let text = String(decoding: record.serialized(), as: UTF8.self)
    for (part, by) in [
      ("version=1", "version=2"), ("handler=radio", "handle=radio"), ("phase=applied", "phase=x"),
      ("checksum=", "checksum=x"), ("length=1", "length=-1"), ("sha256=", "sha256=x"),
      ("ecu=", "e="), ("boot=one", ""),
    ] {
      #expect(text.contains(part))
      let damaged = text.replacing(part, with: by)
      #expect(HandlerRecord(parsing: Array(damaged.utf8)) == nil, "\(part)")
    }
    #expect(HandlerRecord(parsing: []) == nil)
  }

  @Test func `the longest texts fit, and longer ones are not taken`() throws {
    let text = String(repeating: "é", count: HandledTarget.textBytesMax / 2)
    var record = HandlerRecord()
    for number in 0..<(HandlerRecord.slotsMax + 3) {
      let serial = "\(number)" + text.dropLast(4)
      var slot = HandlerSlot(
        handler: "radio", try #require(HandledECU(serial: serial, hardwareID: text)))
      for _ in 0..<5 {
        slot.begin(try longest(text), with: .new, boot: "one")
        slot.applied(.failed, boot: "one")
        slot.reverted(.done)
      }
      slot.proven = try longest(text)
      slot.begin(try longest(text), with: .new, boot: "one")
      record.set(slot)
    }
    #expect(record.slots.count == HandlerRecord.slotsMax)
    #expect(record.serialized().count < HandlerRecord.bytesMax)
    #expect(HandlerRecord(parsing: record.serialized()) == record)

    let content = try target("").content
    for bad in [text + "x", "line\nfeed", "nul\0", "\u{7f}"] {
      #expect(HandledECU(serial: bad, hardwareID: "") == nil)
      #expect(
        HandledTarget(name: bad, version: nil, format: "", content: content, correlationID: nil)
          == nil)
      #expect(
        HandledTarget(name: "", version: nil, format: "", content: content, correlationID: bad)
          == nil)
    }
  }

  private func longest(_ text: String) throws -> HandledTarget {
    try #require(
      HandledTarget(
        name: text, version: text, format: text, content: try target("").content,
        correlationID: text))
  }

  // MARK: Names

  @Test func `a handler is named for the hardware id, or else for the format`() throws {
    func names(_ hardwareID: String, _ format: String) throws -> [String] {
      HandlerSearch.names(
        format: format, try #require(HandledECU(serial: "1", hardwareID: hardwareID)))
    }
    #expect(try names("docker-compose", "BINARY") == ["docker-compose", "binary"])
    #expect(try names("Radio_2.1", "DEB") == ["radio_2.1", "deb"])
    #expect(try names("deb", "DEB") == ["deb"])
    #expect(try names("OSTree", "OSTREE") == [])
    for bad in ["", ".", "..", "-x", "_x", "a/b", "a b", "é", "a\\b", "$x", "../../bin/sh"] {
      #expect(HandlerSearch.name(bad) == nil, "\(bad)")
    }
    let longest = String(repeating: "a", count: HandlerSearch.nameBytesMax)
    #expect(HandlerSearch.name(longest) == longest)
    #expect(HandlerSearch.name(longest + "a") == nil)
  }
}

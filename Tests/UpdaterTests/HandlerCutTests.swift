// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Support
import Testing

@testable import Updater

/// The power goes at each call of a handler: before the call has done anything, and when it has
/// done all but is not remembered as done.
@Suite struct HandlerCutTests {
  enum Story: CaseIterable {
    case alone, failing, withSystem, withSystemThatFallsBack
  }

  /// Runs the whole story. Gives the situation at the end.
  private func tell(_ story: Story, _ fixture: HandlerFixture) throws {
    try fixture.run([fixture.job("old")], .before)
    switch story {
    case .alone:
      try fixture.run([fixture.job("new")], .before)
    case .failing:
      try fixture.end(.verify, with: 1)
      try fixture.run([fixture.job("new")], .before)
      try fixture.end(.verify, with: nil)
    case .withSystem:
      try fixture.run([fixture.job("new", with: .new)], .deploying)
      try fixture.run(nil, .new(isProven: false))
      try fixture.run(nil, .new(isProven: true))
    case .withSystemThatFallsBack:
      try fixture.run([fixture.job("new", with: .new)], .deploying)
      try fixture.run(nil, .new(isProven: false))
      try fixture.run(nil, .fellBack)
    }
  }

  /// What the device does from where the cut has left it, until all is settled.
  private func recover(_ story: Story, _ fixture: HandlerFixture, isNewRunning: Bool) throws {
    switch story {
    case .alone, .failing:
      try fixture.run(nil, HandlerSituation(boot: "after"))
    case .withSystem:
      if isNewRunning {
        try fixture.run(nil, .new(boot: "after", isProven: false))
        try fixture.run(nil, .new(boot: "after", isProven: true))
      } else {
        var situation = HandlerSituation(boot: "after")
        (situation.running, situation.next) = (.old, .old)
        try fixture.run(nil, situation)
      }
    case .withSystemThatFallsBack:
      try fixture.run(nil, .fellBack)
    }
  }

  @Test(arguments: Story.allCases, [false, true])
  func `a cut at any call ends in the old target or the new one`(
    story: Story, wasDone: Bool
  ) throws {
    let whole = try HandlerFixture()
    try tell(story, whole)
    let calls = try whole.calls()
    // The first two are those of the old target.
    for cut in 3...calls.count {
      let record = try whole.folder.readText("kept/record-\(cut)")
      let world = try? whole.folder.readText("kept/current-\(wasDone ? cut + 1 : cut)")
      // What the last call has done is what is there at the end.
      let isLast = wasDone && cut == calls.count
      let current = isLast ? try whole.current() : world

      let fixture = try HandlerFixture()
      _ = try (fixture.target("old"), fixture.target("new"))
      try fixture.folder.write(record, to: "state/handled-targets")
      let folder = fixture.places.folder(of: try fixture.slot())
      try mustRun("mkdir", "-p", folder)
      if let current {
        _ = FileManager.default.createFile(
          atPath: folder + "/current", contents: Data(current.utf8))
      }
      let isNewRunning = !calls[..<(cut - 1)].filter { $0 == "apply new" }.isEmpty
      try recover(story, fixture, isNewRunning: isNewRunning)

      let slot = try fixture.slot()
      let place = "cut at '\(calls[cut - 1])' (\(cut)), then \(try fixture.calls())"
      #expect(slot.attempt == nil, "\(place)")
      #expect(try fixture.current() == slot.proven?.name, "\(place)")
      switch story {
      case .alone: #expect(slot.proven?.name == "new", "\(place)")
      case .failing: #expect(["old", "new"].contains(slot.proven?.name), "\(place)")
      case .withSystem:
        #expect(slot.proven?.name == (isNewRunning ? "new" : "old"), "\(place)")
      case .withSystemThatFallsBack: #expect(slot.proven?.name == "old", "\(place)")
      }
    }
  }

  @Test func `each phase is on the medium before the call that leads out of it`() throws {
    let fixture = try HandlerFixture()
    try fixture.run([fixture.job("one", with: .new)], .deploying)
    try fixture.run(nil, .new(isProven: false))
    try fixture.run(nil, .fellBack)
    #expect(try fixture.calls() == ["apply one", "verify one", "revert one"])
    for (number, phase) in [(1, "applying"), (2, "applied"), (3, "reverting")] {
      let record = try fixture.folder.readText("kept/record-\(number)")
      #expect(record.contains("\nphase=\(phase)\n"))
    }
  }

  @Test func `without its content, what was cut off waits for the server`() throws {
    let fixture = try HandlerFixture()
    try fixture.end(.apply, with: 75)
    try fixture.run([fixture.job("one")])
    let content = try fixture.target("one").content
    try mustRun("rm", fixture.handlers().targets.path(of: content))
    try fixture.end(.apply, with: nil)
    _ = try fixture.calls()
    #expect(try fixture.run(nil).applied == [])
    #expect(try fixture.calls() == [])
    #expect(try fixture.run([fixture.job("one")]).proven == ["one"])
  }
}

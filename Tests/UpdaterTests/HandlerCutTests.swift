// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Support
import Testing

@testable import Updater

/// The power goes at each call of a handler: before the call has done anything, and when it has done
/// all but is not remembered as done.
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
      try fixture.folder.write(record, to: "state/handlers/record")
      let folder = fixture.places.folder(of: try fixture.slot())
      try mustRun("mkdir", "-p", folder)
      if let current {
        _ = FileManager.default.createFile(atPath: folder + "/current", contents: Data(current.utf8))
      }
      let isNewRunning = !calls[..<(cut - 1)].filter { $0 == "apply new" }.isEmpty
      try recover(story, fixture, isNewRunning: isNewRunning)

      let slot = try fixture.slot()
      let where_ = "cut at '\(calls[cut - 1])' (\(cut)), then \(try fixture.calls())"
      #expect(slot.attempt == nil, "\(where_)")
      #expect(try fixture.current() == slot.proven?.name, "\(where_)")
      switch story {
      case .alone: #expect(slot.proven?.name == "new", "\(where_)")
      case .failing: #expect(["old", "new"].contains(slot.proven?.name), "\(where_)")
      case .withSystem:
        #expect(slot.proven?.name == (isNewRunning ? "new" : "old"), "\(where_)")
      case .withSystemThatFallsBack: #expect(slot.proven?.name == "old", "\(where_)")
      }
    }
  }

  @Test func `without its content, what was cut off waits for the server`() throws {
    let fixture = try HandlerFixture()
    try fixture.end(.apply, with: 75)
    try fixture.run([fixture.job("one")])
    try mustRun("rm", fixture.handlers().targets.path(of: try fixture.slot().attempt!.target.content))
    try fixture.end(.apply, with: nil)
    _ = try fixture.calls()
    #expect(try fixture.run(nil).applied == [])
    #expect(try fixture.calls() == [])
    #expect(try fixture.run([fixture.job("one")]).proven == ["one"])
  }
}

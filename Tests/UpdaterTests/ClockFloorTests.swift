// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
import Support
import Testing
import Transport

@testable import Updater

@Suite struct ClockFloorTests {
  private let folder = try! TemporaryDirectory()
  private static let later = Timestamp.parse("2099-01-01T00:00:00Z")!

  private func raise(to seconds: Int64, isCertain: Bool = true) throws {
    try ClockFloor(folder: folder.path)
      .raise(ValidityTime(seconds: seconds, isCertain: isCertain))
  }

  @Test func `without a floor it is what the clock says`() {
    let before = Clock.wallSeconds
    #expect(ClockFloor(folder: folder.path).now.seconds >= before)
    #expect(ClockFloor(folder: folder.path).now.seconds <= Clock.wallSeconds)
  }

  @Test func `a clock that goes back is not believed`() throws {
    try raise(to: Self.later)
    #expect(try folder.readText("clock") == "2099-01-01T00:00:00Z\n")
    #expect(ClockFloor(folder: folder.path).now.seconds == Self.later)
    try raise(to: Self.later - 100_000)
    #expect(ClockFloor(folder: folder.path).now.seconds == Self.later)
  }

  @Test func `a clock that nobody keeps right does not raise it`() throws {
    try raise(to: Self.later, isCertain: false)
    #expect(ClockFloor(folder: folder.path).now.seconds < Self.later)
  }

  @Test func `a certificate raises it, whatever the clock says`() throws {
    let floor = ClockFloor(folder: folder.path)
    let past = ValidityTime(seconds: 0, isCertain: false)
    try floor.raise(past, certificate: nil)
    #expect(ClockFloor(folder: folder.path).now.seconds < Self.later)
    try floor.raise(past, certificate: Self.later)
    #expect(try folder.readText("clock") == "2099-01-01T00:00:00Z\n")
    try ClockFloor(folder: folder.path).raise(past, certificate: Self.later - 86_400)
    try ClockFloor(folder: folder.path)
      .raise(ValidityTime(seconds: Self.later + 7200, isCertain: true), certificate: 1)
    #expect(try folder.readText("clock") == "2099-01-01T02:00:00Z\n")
  }

  @Test func `it is written at most once an hour`() throws {
    try raise(to: Self.later)
    try raise(to: Self.later + 3599)
    #expect(ClockFloor(folder: folder.path).now.seconds == Self.later)
    try raise(to: Self.later + 3600)
    #expect(ClockFloor(folder: folder.path).now.seconds == Self.later + 3600)
  }

  @Test func `what cannot be read is no floor`() throws {
    for text in ["", "soon\n", String(repeating: "2", count: 4096)] {
      try folder.write(text, to: "clock")
      #expect(ClockFloor(folder: folder.path).now.seconds < Self.later)
    }
  }
}

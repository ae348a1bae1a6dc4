// SPDX-License-Identifier: Apache-2.0
import Codec
import Foundation
import Testing

@Suite struct TimestampTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00Z"), (1_795_219_964, "2026-11-21T00:12:44Z"),
      (951_782_400, "2000-02-29T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
      (4_107_542_400, "2100-03-01T00:00:00Z"), (4_107_542_399, "2100-02-28T23:59:59Z"),
      (2_147_483_648, "2038-01-19T03:14:08Z"), (-62_167_219_200, "0000-01-01T00:00:00Z"),
      (253_402_300_799, "9999-12-31T23:59:59Z"),
    ] as [(Int64, String)])
  func `seconds and text stand for each other`(seconds: Int64, text: String) {
    #expect(Timestamp.text(seconds: seconds) == text)
    #expect(Timestamp.parse(text) == seconds)
  }

  @Test(
    arguments: [
      ("2026-11-21t00:12:44z", 1_795_219_964), ("2026-11-21 00:12:44Z", 1_795_219_964),
      ("2026-11-21T01:12:44+01:00", 1_795_219_964), ("2026-11-20T19:42:44-04:30", 1_795_219_964),
      ("2026-11-21T00:12:44.999999999999999999999Z", 1_795_219_964),
      ("2026-11-21T00:12:44-00:00", 1_795_219_964), ("1990-12-31T23:59:60Z", 662_688_000),
      ("1990-12-31T15:59:60-08:00", 662_688_000),
    ] as [(String, Int64)])
  func `all forms of the RFC are read`(text: String, seconds: Int64) {
    #expect(Timestamp.parse(text) == seconds)
  }

  @Test(arguments: [
    "", "2026-11-21", "2026-11-21T00:12:44", "2026-11-21T00:12:44Z ", " 2026-11-21T00:12:44Z",
    "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z", "2026-11-00T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T00:60:00Z",
    "2026-11-21T00:00:61Z", "2026-11-21T00:00:60Z", "2026-11-21T00:12:44.Z",
    "2026-11-21T00:12:44+1:00",
    "2026-11-21T00:12:44+24:00", "2026-11-21T00:12:44+01:60", "2026-11-21T00:12:44+0100",
    "26-11-21T00:12:44Z", "+026-11-21T00:12:44Z", "2026-11-21T00:12Z", "2026/11/21T00:12:44Z",
    "2026-11-21T00:12:44ZZ", "２026-11-21T00:12:44Z",
  ])
  func `other text is refused`(text: String) {
    #expect(Timestamp.parse(text) == nil)
  }

  @Test func `dates agree with another calendar, and are read back`() {
    let formatter = ISO8601DateFormatter()
    var random = RandomSource(seed: 3)
    for _ in 0..<5_000 {
      let seconds = Int64(random.next() % 253_402_300_800)
      let text = Timestamp.text(seconds: seconds)
      #expect(text == formatter.string(from: Date(timeIntervalSince1970: Double(seconds))))
      #expect(Timestamp.parse(text) == seconds)
    }
  }

  @Test func `any number of seconds has a text`() {
    #expect(Timestamp.text(seconds: .max) == "292277026596-12-04T15:30:07Z")
    #expect(Timestamp.text(seconds: .min) == "-292277022657-01-27T08:29:52Z")
  }

  @Test func `mutated text is refused or is a time that can be written`() {
    var random = RandomSource(seed: 5)
    var accepted = 0
    for _ in 0..<30_000 {
      let seconds = Int64(random.next() % 253_402_300_800)
      let mutated = random.mutation(of: Array(Timestamp.text(seconds: seconds).utf8))
      guard let found = Timestamp.parse(String(decoding: mutated, as: UTF8.self)) else { continue }
      accepted += 1
      #expect(Timestamp.parse(Timestamp.text(seconds: found)) == found)
    }
    #expect(accepted > 100)
  }
}

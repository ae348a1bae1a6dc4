// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
import Transport

/// The time before which it cannot be now: the file `clock` in the folder of coppice's state, one
/// line such as `2026-11-21T00:12:44Z`.
///
/// A board without a battery wakes up in 1970, and would believe metadata that have long expired.
/// The floor goes up only with a clock that something keeps right, after metadata have held in
/// full, and never down.
struct ClockFloor {
  private static let name = "clock"
  private static let byteCountMax = 64
  /// Flash wears.
  private static let hourSeconds: Int64 = 3600

  let folder: String
  /// Seconds since 1970; 0 if none was stored, or it cannot be read.
  private let stored: Int64

  init(folder: String) {
    self.folder = folder
    let bytes = try? FileDescriptor.open("\(folder)/\(ClockFloor.name)")
      .readAll(limit: ClockFloor.byteCountMax)
    let line = String(decoding: (bytes ?? []).prefix { $0 != 10 }, as: UTF8.self)
    stored = Timestamp.parse(line) ?? 0
  }

  /// What counts as now: the latest of the clock, the floor and the time of this build.
  var now: ValidityTime { .now(floor: stored) }

  /// Notes that `now` was right, if it was; at most once an hour. Durable when it returns.
  func raise(_ now: ValidityTime) throws(UpdaterError) {
    guard now.isCertain, now.seconds - stored >= ClockFloor.hourSeconds else { return }
    let text = Timestamp.text(seconds: now.seconds) + "\n"
    try at("\(folder)/\(ClockFloor.name)") { () throws(Errno) in
      try FileDescriptor.openDirectory(".").makeDirectories(folder, mode: 0o755)
      try FileDescriptor.openDirectory(folder)
        .replaceFile(ClockFloor.name, with: Array(text.utf8))
    }
  }
}

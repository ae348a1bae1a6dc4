// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
import Transport

/// The time before which it cannot be now: the file `clock` in the folder of coppice's state, one
/// line such as `2026-11-21T00:12:44Z`.
///
/// A board without a battery wakes up in 1970, and would believe metadata that have long expired.
/// The floor goes up only after metadata have held in full: to the time of a clock that something
/// keeps right, or to the day when the certificate of a server that was believed became valid. It
/// never goes down.
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

  /// Notes that it cannot be earlier than `now`, if that is certain, and than `certificate`, from
  /// when on the youngest certificate is valid that an authority vouched for. At most once an hour;
  /// durable when it returns.
  func raise(_ now: ValidityTime, certificate: Int64? = nil) throws(UpdaterError) {
    let seconds = max(now.isCertain ? now.seconds : 0, certificate ?? 0)
    guard seconds - stored >= ClockFloor.hourSeconds else { return }
    let text = Timestamp.text(seconds: seconds) + "\n"
    try at("\(folder)/\(ClockFloor.name)") { () throws(Errno) in
      try FileDescriptor.openDirectory(".").makeDirectories(folder, mode: 0o755)
      try FileDescriptor.openDirectory(folder)
        .replaceFile(ClockFloor.name, with: Array(text.utf8))
    }
  }
}

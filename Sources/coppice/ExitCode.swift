// SPDX-License-Identifier: Apache-2.0

/// What a script learns from the end of the program. The numbers are an interface and never change
/// their meaning.
enum ExitCode: Int32, Sendable {
  /// Done, or nothing to do.
  case success = 0
  /// Failed; the system is as it was.
  case failed = 1
  /// Wrong usage or configuration: fix the call.
  case usage = 2
  /// The server could not be reached or the transfer broke: try again later, what came is kept.
  case transfer = 3
  /// A signature, threshold, expiry, version or checksum did not hold.
  case refused = 4
  /// Not enough space.
  case space = 5
  /// Another process holds the lock.
  case busy = 6
  /// Storage or boot loader need a person.
  case storage = 7
  /// Only of `check`.
  case updateAvailable = 10

  /// Whether the command did what it was asked to.
  var isFine: Bool { self == .success || self == .updateAvailable }
}

// SPDX-License-Identifier: Apache-2.0

/// What a boot loader's store says about trial boots.
public enum TrialCount: Hashable, Sendable {
  /// Position 0 boots, and nothing is counted.
  case idle
  /// Each start takes one off, and so many are left. `max` is what it began with, where the store
  /// keeps it.
  case counting(left: Int, max: Int?)
  /// None was left: position 1 boots until somebody clears the store.
  case fellBack
}

/// Limits of a trial.
public enum TrialLimit {
  /// U-Boot's scripts count in hexadecimal and its C code in decimal: up to here both agree. The
  /// GRUB configuration of this project, which cannot subtract, has a line for each.
  public static let bootsMax = 9
}

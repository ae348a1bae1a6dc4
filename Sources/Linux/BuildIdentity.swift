// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// What this executable was built from: the facts behind `coppice --version`.
public enum BuildIdentity {
  /// The release, as in CHANGELOG.md.
  public static let version = "0.1.0"

  /// Twelve digits of the commit, followed by `-dirty` where files were changed; "unknown" in a
  /// plain `swift build`.
  public static var commit: String { unsafe String(cString: clinux_build_commit()) }

  /// The date of the commit (or SOURCE_DATE_EPOCH) in seconds since 1970, in UTC: a build has no
  /// other date, so that building again gives the same bytes. Nil in a plain `swift build`.
  public static var seconds: Int64? {
    let seconds = clinux_build_seconds()
    return seconds > 0 ? seconds : nil
  }

  /// The architecture it was compiled for, in the words of our releases.
  public static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "arm64"
    #elseif arch(arm)
      "armv7"
    #else
      "unknown"
    #endif
  }
}

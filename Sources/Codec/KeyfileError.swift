// SPDX-License-Identifier: Apache-2.0

/// Why a keyfile, or a value in it, is not understood. Lines count from 1.
public enum KeyfileError: Error, Hashable, Sendable {
  /// Neither `[group]`, `key=value`, comment nor blank.
  case notALine(line: Int)
  case groupName(line: Int)
  case keyName(line: Int)
  /// `key=value` before the first `[group]`.
  case beforeFirstGroup(line: Int)
  /// Not UTF-8, or a NUL.
  case notText(line: Int)
  /// Neither `true`, `false`, `1` nor `0`.
  case notBoolean(line: Int, value: String)
  /// Not a decimal number of 64 bits.
  case notInteger(line: Int, value: String)

  public var line: Int {
    switch self {
    case .notALine(let line), .groupName(let line), .keyName(let line),
      .beforeFirstGroup(let line), .notText(let line), .notBoolean(let line, _),
      .notInteger(let line, _):
      line
    }
  }
}

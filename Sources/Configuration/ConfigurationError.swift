// SPDX-License-Identifier: Apache-2.0
public import Codec
public import Linux

/// Why the configuration cannot be taken.
public enum ConfigurationError: Error, Hashable, Sendable {
  case file(path: String, Errno)
  /// A file that is not a keyfile; the error has the line.
  case syntax(path: String, KeyfileError)
  /// A value that its key does not take.
  case value(path: String, line: Int, Setting, value: String, expected: ExpectedValue)
}

/// What a key takes.
public enum ExpectedValue: Hashable, Sendable {
  case oneOf([String])
  case integer(ClosedRange<Int>)
  /// Bytes: a number, with `K`, `M` or `G` for powers of 1024.
  case size
  /// As `size`, or a percentage of the file system: `0%` to `99%`.
  case sizeOrPercent
  /// `http://` or `https://` with a host.
  case url
  /// `none`, or as `url`.
  case proxy
  /// Begins with `/`.
  case absolutePath
  /// The name of a folder: neither empty, `.` nor `..`, and without `/`.
  case folderName
  /// `HARDWARE-ID` or `HARDWARE-ID:SERIAL`, separated by `;`, none of them twice.
  case ecus
  /// Not empty, and without control characters.
  case text
}

/// What is odd in a configuration but does no harm.
public enum ConfigurationWarning: Hashable, Sendable {
  case unknownSection(path: String, line: Int, section: String)
  case unknownKey(path: String, line: Int, section: String, key: String)
  /// Something named `*.conf` that is not a file.
  case notAFile(path: String)
}

// SPDX-License-Identifier: Apache-2.0
import Configuration
import Linux

extension ConfigurationError: Reportable {
  var message: Message {
    switch self {
    case .file(let path, let errno):
      Message(
        errno.exitCode == .failed ? .usage : errno.exitCode, "configuration-unreadable",
        errno == .overflow
          ? "'\(path)' is too long for a configuration"
          : "cannot read '\(path)': \(errno.reason)", path: path)
    case .syntax(let path, let error):
      Message(.usage, "bad-configuration", "cannot read '\(path)': \(error.words)", path: path)
    case .value(let path, let line, let setting, let value, let expected):
      Message(
        .usage, "bad-configuration",
        "'\(path)' line \(line): '\(setting.key)' in '[\(setting.section)]' "
          + "has the value '\(value)'",
        hint: "it must be \(expected.words)", path: path)
    }
  }
}

extension ExpectedValue {
  fileprivate var words: String {
    switch self {
    case .oneOf(let words): "one of \(words.map { "'\($0)'" }.joined(separator: ", "))"
    case .integer(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .size: "a number of bytes such as 500000, 500K or 2M"
    case .ecus: "hardware ids, each with or without ':SERIAL', separated by ';' and none twice"
    case .sizeOrPercent: "a number of bytes such as 500000 or 2M, or a percentage such as 3%"
    case .url: "an http or https URL"
    case .proxy: "the URL of a proxy, or 'none'"
    case .absolutePath: "a path that begins with '/'"
    case .folderName: "the name of a folder, without '/'"
    case .text: "text without control characters"
    }
  }
}

extension ConfigurationWarning {
  var words: String {
    switch self {
    case .unknownSection(let path, let line, let section):
      "'\(path)' line \(line): unknown section '[\(section)]'"
    case .unknownKey(let path, let line, let section, let key):
      "'\(path)' line \(line): unknown key '\(key)' in '[\(section)]'"
    case .notAFile(let path): "'\(path)' is no file"
    }
  }
}

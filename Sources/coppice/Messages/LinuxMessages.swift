// SPDX-License-Identifier: Apache-2.0
import Linux

extension Errno {
  /// What a script does about a failed system call.
  var exitCode: ExitCode {
    switch self {
    case .noSpace, .quota: .space
    case .inputOutput, .readOnlyFileSystem: .storage
    default: .failed
    }
  }

  /// The words for a call that failed on `path`; `verb` says what was tried, for example "open".
  func message(_ verb: String, _ path: String) -> Message {
    Message(
      exitCode, stableName ?? "\(verb)-failed", "cannot \(verb) '\(path)': \(reason)",
      hint: hint, path: path)
  }

  /// The C library's words in lower case.
  var reason: String {
    let words = text
    guard let first = words.utf8.first, first >= UInt8(ascii: "A"), first <= UInt8(ascii: "Z")
    else { return words }
    let second = words.utf8.dropFirst().first ?? 0
    if second >= UInt8(ascii: "A"), second <= UInt8(ascii: "Z") { return words }
    return words.prefix(1).lowercased() + words.dropFirst()
  }

  private var stableName: String? {
    switch self {
    case .noSpace: "no-space"
    case .quota: "quota-exceeded"
    case .inputOutput: "input-output-error"
    case .readOnlyFileSystem: "read-only"
    default: nil
    }
  }

  private var hint: String? {
    switch self {
    case .noSpace, .quota: "make room, for example with 'coppice prune', and run it again"
    case .inputOutput: "the medium may be failing; see the kernel log and 'coppice doctor'"
    case .readOnlyFileSystem: "see 'mount' and the kernel log; 'coppice doctor' looks for the cause"
    case .accessDenied, .notPermitted: Process.isRoot ? nil : "run it as root"
    default: nil
    }
  }
}

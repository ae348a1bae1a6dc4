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

  /// The words for a call that failed on `path`; `verb` says what was tried, for example "read".
  func message(_ path: String, verb: String = "access") -> Message {
    if self == .noSpace || self == .quota { return outOfSpace(path) }
    return Message(
      exitCode, stableName ?? "file-failed", "cannot \(verb) '\(path)': \(reason)", hint: hint,
      path: path)
  }

  /// How much was needed the kernel does not say; how much there is can be asked.
  private func outOfSpace(_ path: String) -> Message {
    let limit = self == .quota ? "the quota is used up" : "no space left"
    return Message(
      .space, self == .quota ? "quota-exceeded" : "no-space",
      "cannot write '\(path)': \(limit) on its file system, which has "
        + "\(Errno.freeBytes(path).map { "\($0)" } ?? "an unknown number of") bytes free",
      hint: "make room, for example with 'coppice prune', and run it again", path: path)
  }

  /// Of the file system that holds `path`, or would.
  private static func freeBytes(_ path: String) -> UInt64? {
    var path = path
    while true {
      do throws(Errno) {
        return try FileDescriptor.open(path, .readOnly).fileSystemStatus().freeBytes
      } catch {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex
        else { return nil }
        path = String(path[..<slash])
      }
    }
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
    case .inputOutput: "input-output-error"
    case .readOnlyFileSystem: "read-only"
    default: nil
    }
  }

  private var hint: String? {
    switch self {
    case .inputOutput: "the medium may be failing; see the kernel log and 'coppice doctor'"
    case .readOnlyFileSystem: "see 'mount' and the kernel log; 'coppice doctor' looks for the cause"
    case .accessDenied, .notPermitted: Process.isRoot ? nil : "run it as root"
    default: nil
    }
  }
}

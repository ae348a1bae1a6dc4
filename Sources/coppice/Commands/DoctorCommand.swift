// SPDX-License-Identifier: Apache-2.0
import Codec
import Configuration
import Updater

extension Command {
  static let doctor = Command(
    "doctor", "looks at all that an update depends on, and says how to put it right",
    details: "Asks no server. Exit code 0 if nothing failed, 7 if storage or boot loader need a "
      + "person, 2 if the configuration does.",
    options: [
      Option(
        "repair",
        help: "put right what needs no decision: damaged left-overs, stale marks, the spare link")
    ]
  ) { session throws(Message) in
    let repairs = session.arguments.isFlag("repair")
    if repairs { try session.prepareForWriting() }
    let file = session.arguments.value("config")
    let settings = Result { () throws(ConfigurationError) -> Settings in
      if let file { return try Settings.load(file: file) }
      return try Settings.load()
    }
    var doctor = Doctor(
      session.sysroot, settings, remotesFolder: session.remotesFolder, repairs: repairs)
    let found = doctor.examine()
    for diagnosis in found {
      let word = diagnosis.verdict.rawValue
      let label = word + String(repeating: " ", count: 6 - word.utf8.count)
      try session.terminal.line("\(label)\(diagnosis.subject.rawValue): \(diagnosis.words)")
      if diagnosis.verdict != .ok, let advice = diagnosis.advice {
        try session.terminal.line("      -> \(advice)")
      }
    }
    let members = ("checks", JSONValue.array(found.map { $0.member }))
    return Outcome(members: [members], failure: failure(found))
  }

  /// Nil if nothing failed. What needs a person at the device counts most.
  private static func failure(_ found: [Diagnosis]) -> Message? {
    let failed = found.filter { $0.verdict == .fail }
    guard let first = failed.first else { return nil }
    let isStorage = failed.contains { $0.exitCode == .storage }
    let checks = failed.count == 1 ? "1 check" : "\(failed.count) checks"
    return Message(
      isStorage ? .storage : first.exitCode, "doctor-found", "\(checks) failed",
      hint: "see the lines that begin with 'fail'")
  }
}

extension Diagnosis {
  fileprivate var member: JSONValue {
    .object([
      ("check", .string(subject.rawValue)), ("verdict", .string(verdict.rawValue)),
      ("message", .string(words)), ("hint", .string(orNull: verdict == .ok ? nil : advice)),
    ])
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Configuration

extension Command {
  static let config = Command("config", "shows the configuration", commands: [.configShow])

  private static let configShow = Command(
    "show", "shows the configuration in force",
    options: [Option("origin", help: "show also the file and line each value comes from")]
  ) { session throws(Message) in
    let settings = try session.settings()
    let showsOrigin = session.arguments.isFlag("origin")
    var section = ""
    var members: [JSONValue] = []
    for setting in Setting.allCases {
      let value = settings.text(of: setting)
      members.append(member(setting, value, settings.origin(of: setting)))
      guard let value else { continue }
      if setting.section != section {
        if !section.isEmpty { try session.terminal.line("") }
        section = setting.section
        try session.terminal.line("[\(section)]")
      }
      if showsOrigin { try session.terminal.line("# \(settings.origin(of: setting).words)") }
      try session.terminal.line("\(setting.key)=\(value)")
    }
    return Outcome(members: [
      ("settings", .array(members)),
      ("files", .array(settings.files.map { .string($0) })),
    ])
  }

  private static func member(
    _ setting: Setting, _ value: String?, _ origin: SettingOrigin
  ) -> JSONValue {
    var path: String?
    var number: Int?
    if case .file(let file, let line) = origin { (path, number) = (file, line) }
    return .object([
      ("section", .string(setting.section)), ("key", .string(setting.key)),
      ("value", .string(orNull: value)), ("path", .string(orNull: path)),
      ("line", number.map { .integer(Int64($0)) } ?? .null),
    ])
  }
}

extension SettingOrigin {
  fileprivate var words: String {
    switch self {
    case .builtIn: "default"
    case .file(let path, let line): "\(path):\(line)"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Deploy
import OSTree

extension Command {
  static let initSysroot = Command(
    "init-sysroot", "makes an empty OSTree sysroot below '--sysroot'",
    details: "What is there already stays as it is; another stateroot is added.",
    options: [
      Option("stateroot", .text("NAME"), help: "the stateroot to make"),
      Option(
        "mode", .choice(["bare", "bare-user", "bare-user-only", "archive"]),
        help: "how the repo stores files (default: bare)"),
    ]
  ) { session throws(Message) in
    guard let stateroot = session.arguments.value("stateroot") else {
      throw Message(
        .usage, "missing-argument", "'coppice init-sysroot' needs '--stateroot NAME'",
        hint: "the stateroot is one operating system with a /var of its own")
    }
    guard let path = session.arguments.value("sysroot") else {
      throw Message(
        .usage, "missing-argument", "'coppice init-sysroot' needs '--sysroot DIR'",
        hint: "it makes DIR/ostree and DIR/boot")
    }
    let mode = session.arguments.value("mode").flatMap { RepoMode(configValue: $0) } ?? .bare
    try session.prepareForWriting()
    let sysroot = try reporting { () throws(DeployError) in
      try Sysroot.prepareForWriting(path)
      return try Sysroot.initialise(path, stateroot: stateroot, mode: mode)
    }
    return Outcome(members: [
      ("sysroot", .string(path)), ("stateroot", .string(stateroot)),
      ("mode", .string(sysroot.repo.mode.configValue)),
    ])
  }
}

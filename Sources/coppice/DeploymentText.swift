// SPDX-License-Identifier: Apache-2.0
import Boot
import Codec
import Cryptography
import Deploy
import OSTree

/// Deployments in words and in JSON.
enum DeploymentText {
  /// As `ostree admin status` shows them.
  static func lines(_ status: SysrootStatus) -> [String] {
    if status.deployments.isEmpty, status.staged == nil { return ["No deployments."] }
    var lines: [String] = []
    if let staged = status.staged?.target {
      lines.append("  \(staged.stateroot) \(staged.commit.hex).\(staged.serial) (staged)")
    }
    let booted = status.deployments.firstIndex { $0.isBooted }
    for entry in status.deployments {
      let mark = entry.isBooted ? "*" : " "
      let deployment = entry.deployment
      lines.append(
        "\(mark) \(deployment.stateroot) \(deployment.name)"
          + suffix(entry.index, booted, isStaged: status.staged != nil))
      if let version = entry.version { lines.append("    Version: \(version)") }
      if let unlocked = entry.unlocked { lines.append("    Unlocked: \(unlocked)") }
      if entry.isPinned { lines.append("    Pinned: yes") }
      if let text = proof(entry) { lines.append("    State: \(text)") }
      switch entry.origin?.refspec {
      case let refspec?: lines.append("    origin refspec: \(refspec)")
      case nil where entry.origin == nil: lines.append("    origin: none")
      case nil: lines.append("    origin: <unknown origin type>")
      }
      switch entry.etc {
      case .merged: break
      case .pending: lines.append("    /etc: merged once more at the first boot")
      case .failed(let reason):
        lines.append("    /etc: as when it was deployed; the merge at boot failed: \(reason)")
      }
    }
    return lines
  }

  /// Only where one runs there are others that wait or that one can go back to.
  private static func suffix(_ index: Int, _ booted: Int?, isStaged: Bool) -> String {
    guard let booted else { return "" }
    if index < booted { return " (pending)" }
    return index == booted + 1 ? " (rollback)" : ""
  }

  static func member(_ entry: DeploymentStatus) -> JSONValue {
    let deployment = entry.deployment
    return .object([
      ("index", .integer(Int64(entry.index))), ("stateroot", .string(deployment.stateroot)),
      ("checksum", .string(deployment.commit.hex)), ("serial", .integer(Int64(deployment.serial))),
      ("version", .string(orNull: entry.version)),
      ("origin", .string(orNull: entry.origin?.refspec)), ("booted", .boolean(entry.isBooted)),
      ("next", .boolean(entry.isNext)), ("pinned", .boolean(entry.isPinned)),
      ("state", .string(entry.proof.word)), ("trial", trial(entry.proof)),
      ("etc", .string(entry.etc == .pending ? "pending" : "merged")),
      ("unlocked", .string(orNull: entry.unlocked)),
    ])
  }

  /// In words, where there is something to say.
  private static func proof(_ entry: DeploymentStatus) -> String? {
    switch entry.proof {
    case .unknown: return nil
    case .proven: return "proven"
    case .failed: return "failed: it was tried and did not prove itself"
    case .trial(let left, let max):
      guard let left, let max else {
        return "on trial, and nothing says how many starts are left"
      }
      return "on trial, \(left) of \(max) starts left"
    }
  }

  private static func trial(_ proof: DeploymentProof) -> JSONValue {
    guard case .trial(let left, let max) = proof else { return .null }
    return .object([
      ("left", left.map { .integer(Int64($0)) } ?? .null),
      ("max", max.map { .integer(Int64($0)) } ?? .null),
    ])
  }

  static func member(staged: StagedDeployment) -> JSONValue {
    .object([
      ("stateroot", .string(staged.target.stateroot)),
      ("checksum", .string(staged.target.commit.hex)),
      ("serial", .integer(Int64(staged.target.serial))),
    ])
  }
}

extension BootLoader {
  /// As in `[boot] loader`.
  var word: String {
    switch self {
    case .entries: "bls"
    case .unmanaged: "none"
    case .uEnvironment: "uenv"
    case .ubootEnvironment: "uboot-env"
    case .grub: "grub"
    case .systemdBoot: "systemd-boot"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Gateway
import Linux

extension GatewayError: Reportable {
  var message: Message {
    switch self {
    case .transport(let error): error.message
    case .file(let path, let errno): errno.message(path)
    case .busy(let path):
      Message(
        .busy, "locked", "another coppice holds '\(path)'", hint: "wait until it is done",
        path: path)
    case .damaged(let path):
      Message(
        .storage, "state-damaged", "'\(path)' does not hold what this coppice wrote",
        hint: "a newer coppice may have written it; if not, remove it and run 'coppice provision'",
        path: path)
    case .noProvisioning:
      Message(
        .usage, "not-configured", "the configuration does not say how to get an identity",
        hint: "set 'provisioning' in '[server]' to 'shared' or 'device', or use '--credentials'")
    case .noServer:
      Message(
        .usage, "not-configured", "neither the configuration nor the credentials name the server",
        hint: "set 'url' in '[server]' of '/etc/coppice/coppice.conf'")
    case .missing(let requirement): requirement.message
    case .noCredentials(let path, let errno):
      Message(
        .usage, "credentials-missing", "cannot read credentials '\(path)': \(errno.reason)",
        hint: "put the file there, or correct '[server]' of the configuration", path: path)
    case .archive(let path, let failure):
      Message(
        .usage, "bad-credentials", failure.words(path),
        hint: "fetch the credentials from the server again", path: path)
    case .identity(let path, let failure):
      Message(
        failure.isServers ? .refused : .usage, "bad-identity", failure.words(path),
        hint: failure.hint, path: path)
    case .badName(let kind, let name):
      Message(
        .usage, "bad-name", "'\(name)' is no \(kind.words)",
        hint: "see '\(kind.key)' in '[device]' of the configuration")
    case .notProvisioned(let path):
      Message(
        .usage, "not-provisioned", "this device has no identity yet in '\(path)'",
        hint: "run 'coppice provision'", path: path)
    case .deviceTaken(let url, let id):
      Message(
        .failed, "device-already-registered", "'\(url)' has a device '\(id)' already",
        hint: "if an earlier run was cut off, remove that device on the server; "
          + "else choose another 'device-id' in '[device]'", url: url)
    case .refused(let url, let status, let refusal): refusal.message(url, status)
    }
  }
}

extension GatewayError.Requirement {
  fileprivate var message: Message {
    switch self {
    case .credentials:
      Message(
        .usage, "not-configured", "'provisioning=shared' needs an archive of credentials",
        hint: "name it with '--credentials', or 'credentials' in '[server]'")
    case .certificate:
      Message(
        .usage, "not-configured", "'provisioning=device' needs the device's certificate",
        hint: "set 'certificate' and 'private-key' in '[server]'")
    case .privateKey:
      Message(
        .usage, "not-configured", "'provisioning=device' needs the key of the certificate",
        hint: "set 'private-key' in '[server]'")
    }
  }
}

extension GatewayError.NameKind {
  fileprivate var words: String {
    switch self {
    case .deviceID: "device id: 1 to 64 visible characters without blanks and quotes"
    case .serial: "serial of an ECU: 1 to 64 characters"
    case .hardwareID: "hardware id: up to 200 characters"
    }
  }

  fileprivate var key: String {
    switch self {
    case .deviceID: "device-id"
    case .serial: "ecu-serial"
    case .hardwareID: "hardware-id"
    }
  }
}

extension ArchiveFailure {
  fileprivate func words(_ path: String) -> String {
    switch self {
    case .malformed: "'\(path)' is no sound zip archive"
    case .missingMember(let name): "'\(name)' is not in '\(path)'"
    case .badMember(let name): "'\(name)' in '\(path)' is damaged or not what it should be"
    }
  }
}

extension CredentialFailure {
  /// Whether it is the answer of a server that is wrong.
  fileprivate var isServers: Bool { if case .wrongName = self { true } else { false } }

  fileprivate func words(_ path: String) -> String {
    switch self {
    case .malformed: "'\(path)' holds no key and certificate that can be read"
    case .locked: "'\(path)' wants a passphrase, which must be the empty one"
    case .mismatch: "the key and the certificate of '\(path)' do not belong together"
    case .wrongName(let found, let expected):
      "'\(path)' gave a certificate for '\(found ?? "nobody")' and not for '\(expected)'"
    case .noName: "the certificate in '\(path)' names nobody"
    }
  }

  fileprivate var hint: String? {
    switch self {
    case .malformed, .locked, .mismatch:
      "see 'credentials', 'certificate' and 'private-key' in '[server]'"
    case .wrongName: "tell the people who run the server"
    case .noName: "set 'device-id' in '[device]'"
    }
  }
}

extension Refusal {
  fileprivate func message(_ url: String, _ status: Int) -> Message {
    var text = "'\(url)' says no (\(status))"
    if let code { text += ": \(code)" }
    if let description { text += "\(code == nil ? ":" : ",") \(description)" }
    switch status {
    case 409:
      return Message(
        .failed, "registration-refused", text,
        hint: "remove the ECU or the device on the server, or allow there that ECUs are replaced",
        url: url)
    case 412:
      return Message(
        .transfer, "assignment-open", text,
        hint: "the ECU that is replaced still has an update to make; try again when it is done",
        url: url)
    default: return Message(.failed, "server-refused", text, url: url)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Configuration
import Cryptography
import Deploy
import Gateway
import Linux
import Transport
import Updater
import Uptane

extension Command {
  static let provision = Command(
    "provision", "registers the device with its server and stores its identity",
    details: "How is said by 'provisioning' in '[server]': 'shared' with an archive of credentials "
      + "that the devices of a fleet share, 'device' with a certificate and key of its own. Doing "
      + "it twice changes nothing; cut off at any point, it goes on when run again. The shared "
      + "credential is taken out of the archive once the device has its own.",
    options: [
      Option(
        "credentials", .text("FILE.zip"),
        help: "the archive of credentials; as 'provisioning=shared' with 'credentials'"),
      Option("keep-credentials", help: "leave the archive as it is, for the next device"),
    ]
  ) { session throws(Message) in
    try session.prepareForWriting()
    var options = try session.gatewayOptions()
    if let path = session.arguments.value("credentials") {
      options.provisioning = .shared
      options.credentials = path
    }
    options.keepsCredentials = session.arguments.isFlag("keep-credentials")
    Process.catchInterrupts()
    let gateway = try reporting { [options] () throws(GatewayError) in try GatewayClient(options) }
    let registration = try reporting { () throws(GatewayError) in try gateway.provision() }
    if let leftover = registration.leftover {
      session.terminal.warn(
        "the credential that the fleet shares stays in its archive: \(leftover.message.text)")
    }
    GatewayCommands.tell(gateway, session)
    let expiry = GatewayCommands.expiry(registration)
    for line in GatewayCommands.lines(registration, expiry) { try session.terminal.line(line) }
    return Outcome(members: GatewayCommands.members(registration, expiry))
  }

  static let manifest = Command(
    "manifest", "prints the signed Uptane manifest that would be sent",
    details: "Sends nothing and changes nothing. Needs the key that 'coppice provision' makes."
  ) { session throws(Message) in
    let updater = try session.updater()
    let manifest = try reporting { () throws(UpdaterError) in try updater.manifest() }
    try session.terminal.write(GatewayCommands.text(manifest))
    return Outcome(members: [("manifest", manifest)])
  }
}

private enum GatewayCommands {
  /// The device is registered whether or not the server wants to hear more of it now.
  static func tell(_ gateway: GatewayClient, _ session: Session) {
    do throws(GatewayError) {
      for information in try gateway.sendInformation() {
        session.terminal.debug("told the server of its \(information.rawValue)")
      }
      let count = try gateway.sendEvents()
      if count > 0 { session.terminal.debug("sent \(count) events") }
    } catch {
      session.terminal.warn(
        "the server does not know all of this device yet: \(error.message.text)")
    }
  }

  /// On one line, spelled as it is signed.
  static func text(_ manifest: JSONValue) -> [UInt8] {
    do throws(JSONError) { return try manifest.canonical(.otaASCII) + [0x0A] } catch {
      preconditionFailure("a manifest is JSON that we would read")
    }
  }

  /// Seconds since 1970.
  static func expiry(_ registration: Registration) -> Int64? {
    let file = registration.identity.certificateFile
    guard let bytes = try? FileDescriptor.open(file).readAll(limit: 1 << 20) else { return nil }
    return Certificate(pem: String(decoding: bytes, as: UTF8.self))?.notAfter
  }

  static func lines(_ registration: Registration, _ expiry: Int64?) -> [String] {
    let (identity, primary) = (registration.identity, registration.ecus[0])
    let verb = registration.isNewDevice ? "registered" : "already registered"
    var lines = ["\(verb): '\(identity.deviceID)' with '\(identity.serverURL.text)'"]
    lines.append("primary ECU: \(primary.serial), hardware id '\(primary.hardwareID)'")
    for ecu in registration.ecus.dropFirst() {
      lines.append("ECU for handlers: \(ecu.serial), hardware id '\(ecu.hardwareID)'")
    }
    if let expiry { lines.append("certificate until \(Timestamp.text(seconds: expiry))") }
    return lines
  }

  static func members(
    _ registration: Registration, _ expiry: Int64?
  ) -> [(String, JSONValue)] {
    let isNew = registration.isNewDevice || registration.isNewECU
    return [
      ("result", .string(isNew ? "registered" : "already-registered")),
      ("device_id", .string(registration.identity.deviceID)),
      ("server", .string(registration.identity.serverURL.text)),
      ("primary_ecu_serial", .string(registration.ecus[0].serial)),
      ("hardware_id", .string(registration.ecus[0].hardwareID)),
      (
        "handled_ecus",
        .array(
          registration.ecus.dropFirst().map {
            .object([("serial", .string($0.serial)), ("hardware_id", .string($0.hardwareID))])
          })
      ),
      ("certificate_expires", .string(orNull: expiry.map { Timestamp.text(seconds: $0) })),
    ]
  }
}

extension Session {
  /// What the configuration says of the gateway, and where the state of this system lies.
  func gatewayOptions() throws(Message) -> GatewayOptions {
    let settings = try settings()
    let sysroot = try openSysroot()
    let folder = try reporting { () throws(DeployError) in
      try StateFolder.path(of: sysroot, stateroot: settings.stateroot, try sysroot.state())
    }
    return try reporting { () throws(UpdaterError) in
      try GatewayOptions(settings, stateFolder: folder)
    }
  }
}

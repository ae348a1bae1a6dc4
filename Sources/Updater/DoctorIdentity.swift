// SPDX-License-Identifier: Apache-2.0
import Codec
import Configuration
import Cryptography
import Deploy
import Gateway
import Linux
import Transport

// What the doctor looks for in what the device shows to its server.
extension Doctor {
  /// So long before its end a certificate wants to be seen to.
  private static let noticeSeconds: Int64 = 30 * 86_400

  mutating func examineIdentity(
    _ sysroot: Sysroot, _ settings: Settings, _ now: SysrootState
  ) throws(UpdaterError) {
    let folder = try inDeploy { () throws(DeployError) in
      try StateFolder.path(of: sysroot, stateroot: settings.stateroot, now)
    }
    let options = try GatewayOptions(settings, stateFolder: folder)
    let identity = try inGateway { () throws(GatewayError) in try DeviceIdentity.find(options) }
    guard let identity else {
      if settings.provisioning != .none { add(.identity, .warn, .notProvisioned) }
      return
    }
    let path = identity.certificateFile
    let bytes = try at(path) { () throws(Errno) in
      try FileDescriptor.open(path).readAll(limit: 1 << 20)
    }
    guard let certificate = Certificate(pem: String(decoding: bytes, as: UTF8.self)) else {
      throw .gateway(.identity(path: path, .malformed))
    }
    add(.identity, .ok, .identity(deviceID: identity.deviceID, url: identity.serverURL.text))
    examine(certificate, path)
  }

  private mutating func examine(_ certificate: Certificate, _ path: String) {
    let (start, end, now) = (certificate.notBefore, certificate.notAfter, Clock.wallSeconds)
    if end <= now {
      add(.identity, .fail, .certificateExpired(path: path, seconds: end))
    } else if start > now {
      add(.identity, .fail, .certificateNotYetValid(path: path, seconds: start))
    } else {
      let isSoon = end - now < Doctor.noticeSeconds
      add(.identity, isSoon ? .warn : .ok, .certificateEnds(path: path, seconds: end))
    }
  }
}

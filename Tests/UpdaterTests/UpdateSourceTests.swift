// SPDX-License-Identifier: Apache-2.0
import Configuration
import OSTree
import Pull
import Support
import Testing

@testable import Updater

@Suite struct UpdateSourceTests {
  private let device: DeviceFixture

  init() throws {
    device = try DeviceFixture()
    try device.publish(DeviceFixture.one)
  }

  @Test func `a device that follows nothing says what is missing`() throws {
    device.configuration = ""
    #expect(try device.update().failure == .notConfigured(missing: [.remote, .ref]))
    device.configuration = "[device]\nremote=origin\n"
    #expect(try device.update().failure == .notConfigured(missing: [.ref]))
  }

  @Test func `what the deployment came from is followed where nothing else is said`() throws {
    _ = try device.update().get()
    device.configuration = ""
    try device.publish(DeviceFixture.two)
    let report = try device.update().get()
    #expect(report.result == .deployed)
    #expect(report.check.source.refspec.text == "origin:\(DeviceFixture.ref)")
  }

  @Test func `the ref of one remote is not asked of another`() throws {
    _ = try device.update().get()
    device.configuration = "[device]\nremote=other\n"
    #expect(try device.update().failure == .notConfigured(missing: [.ref]))
  }

  @Test func `a remote that is not there is named`() throws {
    device.configuration = "[device]\nremote=other\nref=a\n"
    #expect(try device.update().failure == .ostree(.unknownRemote("other")))
  }

  @Test func `a name that is no ref is refused`() throws {
    device.configuration = "[device]\nremote=origin\nref=../a\n"
    #expect(try device.update().failure == .invalidRef("../a"))
  }

  @Test func `a device with a server of Uptane does not fall back to less`() throws {
    device.configuration = "[server]\nurl=https://example.com\n"
    #expect(try device.update().failure == .notConfigured(missing: [.hardwareID, .ecuSerial]))
    device.configuration += """
      [device]
      hardware-id=gw
      ecu-serial=1
      [uptane]
      trust-first-root=no

      """
    #expect(try device.update().failure == .metadata(.noRoot))
  }

  @Test func `what must be set up first is said in its own words`() throws {
    _ = try device.update().get()
    let origin = "ostree/deploy/coppice/deploy/\(DeviceFixture.one).0.origin"
    try device.folder.write(
      "[origin]\nrefspec=origin:\(DeviceFixture.ref)\nunconfigured-state=Register first\n",
      to: "sysroot/\(origin)")
    device.configuration = ""
    #expect(
      try device.update().failure
        == .unconfigured(deployment: "\(DeviceFixture.one).0", text: "Register first"))
  }
}

/// What two modules say that do not know each other.
@Suite struct PullDefaultsTests {
  @Test func `the configuration and the pull agree on connections`() {
    #expect(Settings().connections == PullLimits.connections)
    #expect(SettingLimit.connectionsMax == PullLimits.connectionsMax)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing
import Uptane

@testable import Gateway

/// Every call is cut once, at every point; whatever happened, the device ends with one identity.
@Suite struct InterruptionTests {
  static let cuts = ["cut-head", "cut-body", "cut-answer", "cut-half", "status:500", "status:503"]
  static let calls = ["/devices", "/director/ecus"]

  /// Every path with every cut.
  static let cases = calls.flatMap { path in cuts.map { (path, $0) } }

  private func judge(_ device: GatewayDevice, _ what: String) throws {
    let state = try device.server.state()
    let done = try device.mustProvision()
    let id = done.identity.deviceID
    #expect(state.ecus.keys.sorted() == [id], "\(what): one device has ECUs")
    #expect(state.devices.last == id, "\(what)")
    #expect(state.ecus[id]?.primaryEcuSerial == done.ecus[0].serial, "\(what)")
    let subject = try mustRun(
      "openssl", "x509", "-in", device.file("identity.pem"), "-noout", "-subject")
    #expect(subject.hasSuffix("CN = \(id)"), "\(what)")
    #expect(try device.members().contains("treehub.json") == false, "\(what)")
    #expect(!FileManager.default.fileExists(atPath: device.file("shared.pem")), "\(what)")
  }

  @Test(arguments: cases)
  func `a call that is cut once is made again`(path: String, cut: String) throws {
    let device = try GatewayDevice(FleetServer())
    try device.server.fail(path, cut)
    _ = try device.mustProvision()
    try judge(device, "\(cut) of \(path)")
  }

  @Test(arguments: cases)
  func `a run that ends in a cut is completed by the next`(path: String, cut: String) throws {
    let device = try GatewayDevice(FleetServer())
    // As often as one call is tried.
    try device.server.fail(path, cut, times: 3)
    guard case .failure(.transport) = device.provision() else { throw Unexpected() }
    try device.server.failNothing()
    _ = try device.mustProvision()
    try judge(device, "\(cut) of \(path)")
  }

  @Test func `a name that the server has learned is not used twice`() throws {
    let device = try GatewayDevice(FleetServer())
    try device.server.fail("/devices", "cut-answer", times: 3)
    guard case .failure(.transport) = device.provision() else { throw Unexpected() }
    let first = try #require(try DeviceRecord(in: GatewayFolder(state: device.state)))
    #expect(try device.server.state().devices == [first.id])
    try device.server.failNothing()
    let done = try device.mustProvision()
    #expect(done.identity.deviceID != first.id)
    #expect(try device.server.state().devices == [first.id, done.identity.deviceID])
  }

  @Test func `an older director that says so twice has understood`() throws {
    let device = try GatewayDevice(FleetServer())
    // Cut off after the server has acted, it answers the next run as older directors do.
    try device.server.fail("/director/ecus", "cut-answer", times: 3)
    guard case .failure(.transport) = device.provision() else { throw Unexpected() }
    try device.server.fail("/director/ecus", "status:409:ecu_already_registered")
    #expect(try device.mustProvision().isNewECU)
    #expect(try !device.mustProvision().isNewECU)
  }

  @Test func `who has never asked is not believed to be registered`() throws {
    let device = try GatewayDevice(FleetServer())
    try device.server.fail("/director/ecus", "status:409:ecu_already_registered", times: 2)
    for _ in 0..<2 {
      guard case .failure(.refused(_, status: 409, _)) = device.provision() else {
        throw Unexpected()
      }
    }
    #expect(try device.mustProvision().isNewECU)
  }

  @Test func `an open assignment is waited for`() throws {
    let device = try GatewayDevice(FleetServer())
    try device.server.fail("/director/ecus", "status:412:replacement_with_open_assignment")
    guard case .failure(.refused(_, status: 412, _)) = device.provision() else {
      throw Unexpected()
    }
    _ = try device.mustProvision()
    try judge(device, "412")
  }

  @Test func `a slow answer is waited for`() throws {
    let device = try GatewayDevice(FleetServer())
    try device.server.fail("/devices", "slow:1")
    _ = try device.mustProvision()
    try judge(device, "slow")
  }
}

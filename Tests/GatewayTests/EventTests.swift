// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing
import Uptane

@testable import Gateway

/// Events wait on disk until a server has them.
@Suite struct EventTests {
  let device: GatewayDevice
  let queue: EventQueue

  init() throws {
    device = try GatewayDevice(FleetServer())
    _ = try device.mustProvision()
    queue = EventQueue(folder: GatewayFolder(state: device.state))
  }

  func add(_ count: Int) throws {
    for number in 0..<count {
      let event = Event(
        .downloadCompleted(isSuccess: true), ecu: "e", correlationID: "c", time: Int64(number))
      try queue.add(event)
    }
  }

  func send() -> Result<Int, GatewayError> {
    device.sendEvents()
  }

  /// Seconds since 1970 of those that the server has, in its order.
  func received() throws -> [Int] {
    try device.server.state().events.map {
      Int($0.deviceTime.dropFirst(17).prefix(2))! + 60 * Int($0.deviceTime.dropFirst(14).prefix(2))!
    }
  }

  @Test func `an event says what happened to whom`() {
    let event = Event(
      .installationCompleted(isSuccess: false), ecu: "s1", correlationID: "", time: 0)
    let id = Event.identifier([UInt8](repeating: 0xFF, count: 16))
    #expect(id == "ffffffff-ffff-4fff-bfff-ffffffffffff")
    #expect(
      String(decoding: event.json(id: id).canonicalBytes, as: UTF8.self) == """
        {"deviceTime":"1970-01-01T00:00:00Z","event":{"ecu":"s1","success":false},\
        "eventType":{"id":"EcuInstallationCompleted","version":0},"id":"\(id)"}
        """)
    let started = Event(.downloadStarted, ecu: "s1", correlationID: "u", time: 0)
    #expect(
      String(decoding: started.json(id: "x").canonicalBytes, as: UTF8.self)
        .contains(#""event":{"correlationId":"u","ecu":"s1"}"#))
  }

  @Test func `all go in one array, oldest first, and are forgotten`() throws {
    try add(12)
    #expect(try send().get() == 12)
    #expect(try received() == Array(0..<12))
    #expect(try queue.names() == [])
    try device.server.forgetLog()
    #expect(try send().get() == 0)
    #expect(device.server.log() == [])
    // Numbers go on only while something waits; the order holds.
    try add(2)
    #expect(try send().get() == 2)
  }

  @Test func `a batch that is too large is halved until it fits`() throws {
    try device.server.folder.write("5", to: "events_max")
    try add(17)
    #expect(try send().get() == 17)
    #expect(try received() == Array(0..<17))
    #expect(device.server.log().filter { $0.hasPrefix("POST /events 413") }.count == 2)
  }

  @Test func `one that is too large alone is dropped, the others go`() throws {
    try add(3)
    try device.server.fail("/events", "status:413", times: 2)
    #expect(try send().get() == 2)
    #expect(try received() == [1, 2])
    #expect(try queue.names() == [])
  }

  @Test func `a server without events ends the queue`() throws {
    try add(3)
    try device.server.fail("/events", "status:404")
    #expect(try send().get() == 0)
    #expect(try queue.names() == [])
  }

  @Test(arguments: ["cut-head", "cut-answer", "status:500", "status:403"])
  func `what was not taken waits`(cut: String) throws {
    try add(3)
    try device.server.fail("/events", cut, times: 3)
    guard case .failure = send() else { throw Unexpected() }
    #expect(try queue.names().count == 3)
    try device.server.failNothing()
    #expect(try send().get() == 3)
    let ids = Set(try device.server.state().events.map { $0.id })
    #expect(ids.count == 3, "sent twice, each by the same id")
  }

  @Test func `the queue is bounded, and the oldest give way`() throws {
    try add(EventQueue.eventsMax + 5)
    let names = try queue.names()
    #expect(names.count == EventQueue.eventsMax)
    #expect(names.first == "0000000006")
  }

  @Test func `what became unreadable holds up nobody`() throws {
    try add(3)
    try device.folder.write("", to: "state/gateway/events/0000000002")
    try device.folder.write("x", to: "state/gateway/events/stranger")
    #expect(try send().get() == 3)
    #expect(try received() == [0, 2])
  }
}

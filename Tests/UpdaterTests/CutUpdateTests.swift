// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Deploy
import Support
import Testing

@testable import Updater

private let (one, two) = (DeviceFixture.one, DeviceFixture.two)

/// Every call that an update makes over the network is cut once, from the first one of a device
/// without an identity to the report that the new version is proven: what the next run makes of it
/// is one device, one installation, one report.
///
/// All calls with `COPPICE_SLOW=1`; else every so manieth, other ones each time.
@Suite final class CutUpdateTests: DirectedDevice {
  /// What is cut, and how many calls lie between those that are where time is short.
  static let cuts = [("cut-handshake", 4), ("cut-head", 19), ("cut-answer", 19), ("cut-half", 19)]

  /// Before its first word to the server; `index` tells the devices apart.
  private func begin(_ index: Int) throws {
    try mustRun(
      "bash", "-euc",
      """
      chattr -R -f -i "$1" || true
      [ -e "$1.kept" ] || cp -a "$1" "$1.kept"
      rm -rf "$1"; cp -a "$1.kept" "$1"
      """, "begin", device.path)
    device.environment.root = "/"
    try start(0)
    try fleet.failNothing()
    try fleet.copyArchive(to: device.folder.file("credentials.zip"))
    device.configuration += "[device]\necu-serial=gw-\(index)\n"
    try metadata("assign", "gw-2", "gw-\(index)", Self.hardware, "urn:\(index)")
  }

  /// What the server knows of the device; `reports` is how often the success may have been told.
  private func judge(_ index: Int, reports: ClosedRange<Int>, _ what: String) throws {
    let (serial, correlation) = ("gw-\(index)", "urn:\(index)")
    let state = try fleet.state()
    let owners = state.ecus.filter { $0.value.primaryEcuSerial == serial }
    #expect(owners.count == 1, "\(what)")
    #expect(owners.allSatisfy { $0.value.ecus.count == 1 }, "\(what)")
    // Nobody whose name the server has learned meanwhile was registered as another one.
    #expect(Set(state.registrations).count == state.ecus.count, "\(what)")

    var ids: Set<String> = []
    var kinds: [String: Int] = [:]
    for event in state.events where event.event.correlationId == correlation {
      guard ids.insert(event.id).inserted else { continue }
      let isFailure = event.event.success == false
      kinds[event.eventType.id + (isFailure ? " failed" : ""), default: 0] += 1
    }
    #expect(kinds["EcuDownloadCompleted failed", default: 0] <= 1, "\(what)")
    kinds["EcuDownloadCompleted failed"] = nil
    #expect(
      kinds == [
        "EcuDownloadStarted": 1, "EcuDownloadCompleted": 1, "EcuInstallationStarted": 1,
        "EcuInstallationApplied": 1, "EcuInstallationCompleted": 1,
      ], "\(what)")
    let told = try manifests().filter { $0.primary == serial }
    let successes = told.filter { $0.isSuccess == true && $0.correlation == correlation }
    #expect(reports.contains(successes.count), "\(what): \(told)")
    #expect(told.allSatisfy { $0.isSuccess != false }, "\(what): \(told)")
    #expect(told.last?.image == "gw-2", "\(what): \(told)")
  }

  /// From nothing to the proof; the fault comes after so many calls of the first run, or of the one
  /// that reports the proof. False if that run made no more calls.
  private func play(_ index: Int, _ kind: String, after count: Int, isProof: Bool) throws -> Bool {
    let what = "\(kind) after \(count) calls of the \(isProof ? "proof" : "update")"
    try begin(index)
    if !isProof { try fleet.fail(after: count, kind) }
    var wasCut = isProof
    let first = try device.update()
    if !isProof { wasCut = try fleet.hasFailed() }
    try fleet.failNothing()
    if (try? first.get())?.result != .deployed {
      let second = try device.update()
      #expect((try? second.get())?.result == .deployed, "\(what): \(first), then \(second)")
    }
    #expect(try order() == [two, one], "\(what)")

    try start(0, counter: 2)
    try markGood()
    if isProof { try fleet.fail(after: count, kind) }
    let proof = try device.update()
    if isProof { wasCut = try fleet.hasFailed() }
    try fleet.failNothing()
    #expect((try? proof.get())?.settled ?? true, "\(what): \(proof)")
    let last = try device.update()
    #expect((try? last.get())?.result == .upToDate, "\(what): \(proof), then \(last)")
    #expect((try? last.get())?.reportFailure == nil, "\(what): \(proof), then \(last)")
    // A server that has answered into a cut connection is told again.
    let isAnswered = kind == "cut-answer" || kind == "cut-half"
    try judge(index, reports: 1...(isProof && isAnswered ? 2 : 1), what)
    #expect(try order().first == two, "\(what)")
    return wasCut
  }

  @Test(arguments: cuts) func `an update whose every call is cut once ends as one`(
    kind: String, step: Int
  ) throws {
    try metadata("publish", "gw-2", two, Self.hardware)
    var index = 0
    for isProof in [false, true] {
      let stride = Slow.isWanted ? 1 : isProof ? 4 : step
      var count = Slow.isWanted ? 0 : Int.random(in: 0..<stride)
      while true {
        index += 1
        guard try play(index, kind, after: count, isProof: isProof) else { break }
        count += stride
      }
      #expect(count > 0, "nothing was cut")
    }
  }

  @Test func `one answer of a server that is overloaded costs no run`() throws {
    try metadata("publish", "gw-2", two, Self.hardware)
    device.configuration += "[pull]\nretries=2\n"
    let stride = Slow.isWanted ? 1 : 13
    var count = Slow.isWanted ? 0 : Int.random(in: 0..<stride)
    var index = 0
    while true {
      index += 1
      try begin(index)
      try fleet.fail(after: count, "status:503")
      let report = try device.update().get()
      #expect(report.result == .deployed, "503 after \(count) calls")
      #expect(report.reportFailure == nil, "503 after \(count) calls")
      guard try fleet.hasFailed() else { break }
      count += stride
    }
    #expect(count > 0)
  }
}

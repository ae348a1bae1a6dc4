// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Support
import Testing
import Transport
import Uptane

@testable import Updater

/// What a device without a director says of itself, and the time that it takes from its server.
@Suite struct CheckInTests {
  private let commit = String(repeating: "4e", count: 32)

  private func texts(_ headers: CheckInHeaders) -> [String] {
    headers.all.map { "\($0.name): \($0.value)" }
  }

  private func check(_ device: DeviceFixture) throws -> Result<UpdateCheck, UpdaterError> {
    let updater = try device.updater()
    // Another test's process, between fork and exec, may still hold the lock of the last check.
    for _ in 0..<100 {
      let result = Result { () throws(UpdaterError) in try updater.check() }
      guard case .failure(.busy) = result else { return result }
      usleep(100_000)
    }
    return Result { () throws(UpdaterError) in try updater.check() }
  }

  private func image(_ name: String) -> InstalledImage {
    InstalledImage(path: name, hashes: Hashes(sha256: commit), length: 0)
  }

  @Test func `what runs is told`() {
    #expect(
      texts(CheckInHeaders(tags: ["devel", "test"], image: image("gw-7"), apps: ["shell", "web"]))
        == [
          "x-ats-tags: devel,test", "x-ats-target: gw-7", "x-ats-ostreehash: \(commit)",
          "x-ats-dockerapps: shell,web",
        ])
    #expect(texts(CheckInHeaders()) == [])
    #expect(texts(CheckInHeaders(tags: ["devel"])) == ["x-ats-tags: devel"])
  }

  @Test(arguments: ["a\r\nx: y", "a\nb", "\r", "a\0b", "\u{1b}[0m", "\u{7f}", "a\tb", ""])
  func `a name that could end a header is not sent`(name: String) {
    let headers = CheckInHeaders(tags: ["a", name], image: image(name), apps: [name])
    #expect(
      texts(headers).filter { $0 != "x-ats-tags: a," } == ["x-ats-ostreehash: \(commit)"])
    let long = String(repeating: "a", count: 1025)
    #expect(texts(CheckInHeaders(tags: [long], image: image(long))).count == 1)
  }

  @Test func `apps are those that are proven`() throws {
    let folder = try TemporaryDirectory()
    let state = folder.path
    #expect(CheckInHeaders(tags: [], nil, stateFolder: state).apps == [])
    let list = Array("coppice-apps 1\nshell hub/s@sha256:00\nweb hub/w@sha256:00\n-x y\n".utf8)
    let places = HandlerPlaces(state: state)
    let content = try Result { () throws(UpdaterError) in try places.targets.store(list) }.get()
    let target = try #require(
      HandledTarget(
        name: "os-7", version: "7", format: ComposeApps.format, content: content,
        correlationID: nil))
    let ecu = try #require(HandledECU(serial: "s", hardwareID: "h"))
    var slot = HandlerSlot(handler: ComposeApps.format, ecu)
    slot.proven = target
    var other = HandlerSlot(handler: "radio", ecu)
    other.proven = target
    var record = HandlerRecord()
    record.set(slot)
    record.set(other)
    try folder.write(record.serialized(), to: "handled-targets")
    #expect(CheckInHeaders(tags: [], nil, stateFolder: state).apps == ["shell", "web"])
    try folder.write("coppice-apps 2\nshell x\n", to: "targets/\(content.fileName)")
    #expect(CheckInHeaders(tags: [], nil, stateFolder: state).apps == [])
    try folder.write("nonsense", to: "handled-targets")
    #expect(CheckInHeaders(tags: [], nil, stateFolder: state).apps == [])
  }

  // MARK: Against servers

  /// Metadata of one image, which every request must be allowed to have by what it says of itself.
  @Test func `every request for metadata carries it`() throws {
    let device = try DeviceFixture()
    let folder = device.folder
    let script = PackagePaths.root + "/Tests/Servers/uptane_metadata.py"
    for words in [["init"], ["publish", "gw-2", DeviceFixture.two, "gw-hw"]] {
      let made = try run("python3", arguments: [script, folder.file("served")] + words)
      try #require(made.status == 0, "\(made)")
    }
    func server(_ target: String) throws -> WebServer {
      try WebServer(
        folder.file("served"),
        extra: [
          "set $said \"$http_x_ats_tags|$http_x_ats_target|$http_x_ats_ostreehash\";",
          "if ($said != \"devel,test|\(target)\") { return 401; }",
        ])
    }
    try device.publish(DeviceFixture.one)
    _ = try device.update().get()
    for (target, isRight) in [("unknown|\(DeviceFixture.one)", true), ("gw-1|", false)] {
      let web = try server(target)
      device.configuration = """
        [device]
        hardware-id=gw-hw
        remote=origin
        [server]
        url=\(web.url)
        proxy=none
        [uptane]
        mode=tuf
        tags=devel;test
        image-url=\(web.url)/repo
        image-root=\(folder.file("served/repo/root.json"))
        [pull]
        retries=0

        """
      let found = try check(device)
      if isRight {
        _ = try found.get()
      } else {
        guard case .metadata(.fetch(.transport(.unauthorised), .image, _))? = found.failure else {
          Issue.record("\(found)")
          continue
        }
      }
      #expect(try web.requests().allSatisfy { isRight != $0.hasPrefix("401") })
    }
  }

  @Test func `the server's certificate tells how late it is at least`() throws {
    let (device, fleet) = (try DeviceFixture(), try FleetServer())
    let script = PackagePaths.root + "/Tests/Servers/uptane_metadata.py"
    let made = try run("python3", arguments: [script, fleet.folder.file("served"), "init"])
    try #require(made.status == 0, "\(made)")
    device.configuration = """
      [device]
      hardware-id=gw-hw
      remote=origin
      [server]
      url=\(fleet.url)
      proxy=none
      certificate=\(fleet.folder.file("authority/fleet.pem"))
      private-key=\(fleet.folder.file("authority/fleet.key"))
      ca-file=\(fleet.folder.file("authority/ca.pem"))
      [uptane]
      mode=tuf
      image-root=\(fleet.folder.file("served/repo/root.json"))
      [pull]
      retries=0

      """
    let clock = "\(device.path)/ostree/deploy/coppice/var/lib/coppice/clock"
    // Metadata that do not hold raise nothing, whoever served them.
    try fleet.fail("/repo/targets.json", "status:404", times: 10)
    guard case .failure = try check(device) else {
      Issue.record("without targets")
      return
    }
    #expect(!FileManager.default.fileExists(atPath: clock))
    try fleet.failNothing()
    _ = try check(device).get()
    // At least then, also where nobody keeps the clock of this machine right.
    let text = try String(contentsOfFile: clock, encoding: .utf8)
    let begin = try mustRun(
      "sh", "-c",
      "openssl s_client -connect localhost:\(fleet.port) < /dev/null 2> /dev/null"
        + " | openssl x509 -noout -startdate -dateopt iso_8601")
    let date = begin.dropFirst("notBefore=".count).replacing(" ", with: "T")
    #expect(text.dropLast() >= date)
    #expect(text.dropLast() <= ISO8601DateFormatter().string(from: Date()))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Support
import Testing

/// A device whose server says what it shall run, as a script meets it: exit codes and names.
@Suite struct DirectedPeerTests {
  private let fleet: FleetServer
  private let folder: TemporaryDirectory
  private static let hardware = "gw-hw"
  private static let wanted = DeviceFixture.versions[0]
  private var config: String { folder.file("device.conf") }

  init() throws {
    fleet = try FleetServer()
    folder = try TemporaryDirectory("directed")
    let golden = "\(PackagePaths.golden)/ostree/os-archive-repo.tar.gz"
    try mustRun("tar", "-xzf", golden, "-C", folder.path)
    try mustRun("ln", "-s", folder.file("os-repo"), fleet.folder.file("served/treehub"))
    try metadata("init")
    try metadata("publish", "gw-1", Self.wanted, Self.hardware)
    try metadata("assign", "gw-1", "gw-serial", Self.hardware, "urn:one")
    try fleet.copyArchive(to: folder.file("credentials.zip"))
    try folder.write(
      """
      [device]
      hardware-id=\(Self.hardware)
      ecu-serial=gw-serial
      [server]
      url=\(fleet.url)
      provisioning=shared
      credentials=\(folder.file("credentials.zip"))
      proxy=none
      [uptane]
      mode=uptane
      director-root=\(fleet.folder.file("served/director/root.json"))
      image-root=\(fleet.folder.file("served/repo/root.json"))
      [pull]
      retries=0
      """, to: "device.conf")
    try mustRun(
      PackagePaths.coppice, "--sysroot", folder.file("device"), "init-sysroot", "--stateroot",
      "coppice")
  }

  private func metadata(_ words: String...) throws {
    let script = PackagePaths.root + "/Tests/Servers/uptane_metadata.py"
    let result = try run("python3", arguments: [script, fleet.folder.file("served")] + words)
    try #require(result.status == 0, "\(result)")
  }

  private func coppice(_ words: String...) throws -> Coppice {
    try Coppice(["--sysroot", folder.file("device")] + words, config: config)
  }

  private func deployments() throws -> String {
    let script = "cd \"$1\"/ostree/deploy/coppice/deploy 2> /dev/null && ls -d *.0 || true"
    return try mustRun("sh", "-c", script + " 2> /dev/null", "list", folder.file("device"))
  }

  /// Which certificate the server shows, and what is said of it.
  static let refusals = [
    ("stranger", "authority"), ("elsewhere", "another host"), ("expired", "expired"),
  ]

  @Test(arguments: refusals)
  func `a server whose certificate does not hold is told nothing, and nothing is taken from it`(
    certificate: String, words: String
  ) throws {
    for command in ["provision", "check", "update"] {
      if command == "check" {
        try fleet.show(certificate: "server")
        #expect(try coppice("provision").exit == 0)
      }
      try fleet.show(certificate: certificate)
      try fleet.forgetLog()
      let run = try coppice(command)
      #expect(run.exit == 4, "\(run)")
      #expect(run.error?.name == "certificate-refused", "\(run)")
      #expect(run.error?.message.contains(words) == true, "\(run)")
      #expect(run.error?.url?.hasPrefix(fleet.url) == true, "\(run)")
      #expect(fleet.log() == [], "\(run)")
      #expect(try deployments() == "")
    }
    try fleet.show(certificate: "server")
    let run = try coppice("update")
    #expect(run.exit == 0, "\(run)")
    #expect(try deployments() == "\(Self.wanted).0")
  }

  @Test func `a device whose certificate was revoked is told to see to it`() throws {
    #expect(try coppice("provision").exit == 0)
    let id = try #require(try fleet.state().devices.first)
    try fleet.revoke(device: id)
    try fleet.forgetLog()
    for command in ["check", "update"] {
      let run = try coppice(command)
      #expect(run.exit == 3, "\(run)")
      #expect(run.error?.name == "handshake-failed", "\(run)")
      #expect(run.error?.message.contains("refuses our client certificate") == true, "\(run)")
      #expect(run.error?.hint?.contains("[server]") == true, "\(run)")
    }
    #expect(fleet.log() == [])
    #expect(try deployments() == "")
  }

  /// The promise is 8 MiB, and twice the largest file of metadata.
  @Test(.enabled(if: DeviceBinary.isBuilt))
  func `the largest metadata that are taken cost twice their size`() throws {
    let limit = 8 << 20
    try metadata("fill", "\(limit)")
    let size = try fleet.folder.read("served/repo/targets.json").count
    #expect((limit - 2000...limit).contains(size), "\(size)")
    #expect(try coppice("provision").exit == 0)
    let (run, peak) = try Coppice.measured(
      ["--sysroot", folder.file("device"), "update"], in: folder, config: config,
      binary: DeviceBinary.path)
    #expect(run.exit == 0, "\(run)")
    #expect(try deployments() == "\(Self.wanted).0")
    #expect(peak <= MemoryTests.peakBytesMax + 2 * size, "\(peak) bytes for \(size)")
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Foundation
import Support
import Testing

@testable import Gateway

/// What the server is told of the machine, from `/proc` and `/sys` of a made-up one.
@Suite struct InformationTests {
  let folder: TemporaryDirectory
  var files: SystemFiles { SystemFiles(root: folder.path) }

  init() throws {
    folder = try TemporaryDirectory("machine")
    try folder.write("gw-7\n", to: "proc/sys/kernel/hostname")
  }

  private func text(_ value: JSONValue?) -> String? {
    value.map { String(decoding: $0.canonicalBytes, as: UTF8.self) }
  }

  private func object(_ value: JSONValue) throws -> [String: Any] {
    try #require(
      JSONSerialization.jsonObject(with: Data(value.canonicalBytes)) as? [String: Any])
  }

  private func writeBoard() throws {
    try folder.write("Raspberry Pi 4 Model B\0", to: "proc/device-tree/model")
    try folder.write("10000000abcdef\0", to: "proc/device-tree/serial-number")
    try folder.write("raspberrypi,4-model-b\0brcm,bcm2711\0", to: "proc/device-tree/compatible")
    try folder.write("MemTotal:        1024000 kB\nMemFree: 7 kB\n", to: "proc/meminfo")
    try folder.write(
      "processor\t: 0\nBogoMIPS\t: 108.00\n\nprocessor\t: 1\n\nHardware\t: BCM2711\n",
      to: "proc/cpuinfo")
    try folder.write("1800000\n", to: "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
    try folder.write("dc:a6:32:00:00:01\n", to: "sys/class/net/eth0/address")
    try folder.write("00:00:00:00:00:00\n", to: "sys/class/net/lo/address")
    try folder.makeDirectory("sys/devices/board/eth")
    try folder.makeDirectory("sys/block/loop0")
    try folder.write("0\n", to: "sys/block/mmcblk0/removable")
    try folder.write("61071360\n", to: "sys/block/mmcblk0/size")
    try folder.write("1\n", to: "sys/block/sda/removable")
    try folder.makeDirectory("sys/devices/board/mmc")
    try folder.write("SD32G\n", to: "sys/devices/board/mmc/name")
    for (link, target) in [
      ("sys/class/net/eth0/device", "eth"), ("sys/block/mmcblk0/device", "mmc"),
      ("sys/block/sda/device", "mmc"),
    ] {
      try FileManager.default.createSymbolicLink(
        atPath: folder.file(link), withDestinationPath: folder.file("sys/devices/board/\(target)"))
    }
  }

  @Test func `a board is told of in the shape of lshw`() throws {
    try writeBoard()
    let board = try object(HardwareInformation(files).json)
    #expect(board["id"] as? String == "gw-7" && board["class"] as? String == "system")
    #expect(board["product"] as? String == "Raspberry Pi 4 Model B")
    #expect(board["vendor"] as? String == "raspberrypi")
    #expect(board["serial"] as? String == "10000000abcdef")
    let children = try #require(board["children"] as? [[String: Any]])
    #expect(children.map { $0["id"] as? String } == ["core", "network", "disk"])
    #expect(children[1]["serial"] as? String == "dc:a6:32:00:00:01")
    #expect(children[2]["logicalname"] as? String == "/dev/mmcblk0")
    #expect(children[2]["product"] as? String == "SD32G")
    #expect(children[2]["size"] as? Int == 61_071_360 * 512)
    let parts = try #require(children[0]["children"] as? [[String: Any]])
    #expect(parts.map { $0["class"] as? String } == ["memory", "processor"])
    #expect(parts[0]["size"] as? Int == 1_024_000 << 10)
    #expect(parts[1]["product"] as? String == "BCM2711")
    #expect(parts[1]["capacity"] as? Int == 1_800_000_000)
  }

  @Test func `a machine of which nothing is known has a name`() throws {
    #expect(try object(HardwareInformation(files).json)["id"] as? String == "gw-7")
  }

  @Test func `this machine is told of the same way twice`() throws {
    let here = SystemFiles(root: "")
    let told = HardwareInformation(here).json.canonicalBytes
    #expect(HardwareInformation(here).json.canonicalBytes == told)
    #expect(text(NetworkInformation.json(here)) == text(NetworkInformation.json(here)))
  }

  @Test func `the interface is that of the default route of the lowest metric`() throws {
    let route = { (name: String, destination: String, metric: Int, mask: String) in
      "\(name)\t\(destination)\t0101A8C0\t0003\t0\t0\t\(metric)\t\(mask)\t0\t0\t0\n"
    }
    let heading = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n"
    try folder.write(heading + route("eth0", "0001A8C0", 0, "00FFFFFF"), to: "proc/net/route")
    #expect(NetworkInformation.json(files) == nil)
    try folder.write(
      heading + route("wwan0", "00000000", 700, "00000000")
        + route("eth0", "0001A8C0", 0, "00FFFFFF") + route("lo", "00000000", 100, "00000000")
        + "broken line\n", to: "proc/net/route")
    try folder.write("00:00:00:00:00:00\n", to: "sys/class/net/lo/address")
    #expect(
      text(NetworkInformation.json(files))
        == #"{"hostname":"gw-7","local_ipv4":"127.0.0.1","mac":"00:00:00:00:00:00"}"#)
  }

  @Test func `packages are name and version on a line`() throws {
    #expect(InstalledPackages.json(files) == nil)
    try folder.write(
      "base-files 3.0.14\nbusybox\tcore2-64 1.35\n\nodd\nglibc 2.35\r\n",
      to: "usr/package.manifest")
    #expect(
      text(InstalledPackages.json(files))
        == #"[{"name":"base-files","version":"3.0.14"},{"name":"busybox","version":"1.35"},"#
        + #"{"name":"glibc","version":"2.35"}]"#)
  }

  // MARK: Sending

  @Test func `what did not change is not told again`() throws {
    let device = try GatewayDevice(FleetServer())
    _ = try device.mustProvision()
    func tell() throws -> [DeviceInformation] {
      try device.sendInformation().get()
    }
    #expect(try tell() == [.hardware, .packages])
    try device.server.forgetLog()
    #expect(try tell() == [])
    #expect(device.server.log() == [])
    try device.folder.write("base 1.1\n", to: "root/usr/package.manifest")
    #expect(try tell() == [.packages])
    #expect(device.server.log().count == 1)
  }

  @Test func `the configuration is told as TOML, and again when it changes`() throws {
    let device = try GatewayDevice(FleetServer())
    _ = try device.mustProvision()
    device.options.configuration = "[device]\nhardware-id = \"gw\"\n"
    #expect(try device.sendInformation().get() == [.hardware, .packages, .configuration])
    #expect(device.server.log().last?.hasPrefix("POST /system_info/config 200") == true)
    #expect(
      try device.server.folder.readText("state.json").contains(
        #""/system_info/config": {"device": {"hardware-id": "gw"}}"#))
    #expect(try device.sendInformation().get() == [])
    device.options.configuration = "[device]\nhardware-id = \"gw-2\"\n"
    #expect(try device.sendInformation().get() == [.configuration])
  }

  @Test func `what was not taken is told again, and holds up nothing else`() throws {
    let device = try GatewayDevice(FleetServer())
    _ = try device.mustProvision()
    try device.server.fail("/system_info", "cut-answer", times: 3)
    let first = device.sendInformation()
    guard case .failure(.transport) = first else { throw Unexpected() }
    #expect(device.server.log().contains { $0.hasPrefix("PUT /core/installed 200") })
    try device.server.failNothing()
    let second = device.sendInformation()
    #expect(try second.get() == [.hardware])
  }

  @Test func `a server that takes no such thing is left alone`() throws {
    let device = try GatewayDevice(FleetServer())
    _ = try device.mustProvision()
    try device.server.fail("/system_info", "status:404")
    let told = device.sendInformation()
    #expect(try told.get() == [.packages])
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// What the machine is, in the shape of `lshw -json`: a tree of `system`, `bus`, `memory`,
/// `processor`, `network` and `disk`. Only what stays as it is from one start to the next, so that
/// it is told once.
struct HardwareInformation {
  let files: SystemFiles

  init(_ files: SystemFiles) { self.files = files }

  var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("id", .string(files.hostName ?? "system")), ("class", .string("system")),
      ("claimed", .boolean(true)), ("handle", .string("")),
    ]
    add("description", "Computer", &members)
    add("product", dmi("product_name") ?? files.text("/proc/device-tree/model"), &members)
    add("vendor", dmi("sys_vendor") ?? deviceTreeVendor, &members)
    add("version", dmi("product_version"), &members)
    add("serial", dmi("product_serial") ?? files.text("/proc/device-tree/serial-number"), &members)
    members.append(("width", .integer(Int64(Int.bitWidth))))
    members.append(("children", .array([core] + networks + disks)))
    return .object(members)
  }

  private func text(_ path: String) -> String? { files.text(path) }

  private func dmi(_ name: String) -> String? { files.text("/sys/class/dmi/id/\(name)") }

  /// Of `raspberrypi,4-model-b\0brcm,bcm2711` what stands before the first comma.
  private var deviceTreeVendor: String? {
    files.bytes("/proc/device-tree/compatible").flatMap {
      SystemFiles.text($0.prefix { $0 != UInt8(ascii: ",") && $0 != 0 })
    }
  }

  private func add(_ name: String, _ value: String?, _ members: inout [(String, JSONValue)]) {
    if let value { members.append((name, .string(value))) }
  }

  private func node(
    _ id: String, _ kind: String, _ more: [(String, JSONValue)]
  ) -> JSONValue {
    .object(
      [("id", .string(id)), ("class", .string(kind)), ("claimed", .boolean(true))] + more)
  }

  // MARK: Board, memory, processors

  private var core: JSONValue {
    var members: [(String, JSONValue)] = [("description", .string("Motherboard"))]
    add("product", dmi("board_name"), &members)
    add("vendor", dmi("board_vendor"), &members)
    var children: [JSONValue] = []
    if let version = dmi("bios_version") {
      var firmware: [(String, JSONValue)] = [("version", .string(version))]
      add("vendor", dmi("bios_vendor"), &firmware)
      add("date", dmi("bios_date"), &firmware)
      children.append(node("firmware", "memory", firmware))
    }
    children += memory.map { [$0] } ?? []
    children += [processor]
    members.append(("children", .array(children)))
    return node("core", "bus", members)
  }

  /// proc(5), `/proc/meminfo`: what the kernel has, in kB.
  private var memory: JSONValue? {
    guard let value = files.field("MemTotal", of: files.lines("/proc/meminfo")),
      let kilobytes = UInt64(String(decoding: value.utf8.prefix { $0 != 32 }, as: UTF8.self)),
      kilobytes < UInt64.max >> 10
    else { return nil }
    return node(
      "memory", "memory", [("units", .string("bytes")), ("size", .unsigned(kilobytes << 10))])
  }

  /// All of them as one: boards have them of one kind, or of two that differ in speed alone.
  private var processor: JSONValue {
    let lines = files.lines("/proc/cpuinfo")
    var members: [(String, JSONValue)] = [("description", .string("CPU"))]
    let product =
      files.field("model name", of: lines) ?? files.field("Processor", of: lines)
      ?? files.field("Hardware", of: lines)
    add("product", product, &members)
    add("vendor", files.field("vendor_id", of: lines), &members)
    let frequency = "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"
    if let kilohertz = files.number(frequency), kilohertz < UInt64.max / 1000 {
      members.append(("units", .string("Hz")))
      members.append(("capacity", .unsigned(kilohertz * 1000)))
    }
    let count = lines.filter { $0.starts(with: "processor".utf8) }.count
    members.append(
      (
        "configuration", .object([("cores", .string(String(count)))])
      ))
    add("machine", Process.machine, &members)
    return node("cpu", "processor", members)
  }

  // MARK: Interfaces and disks

  /// Those with a device behind them: neither bridges nor tunnels.
  private var networks: [JSONValue] {
    let names = files.names("/sys/class/net").filter {
      files.link("/sys/class/net/\($0)/device") != nil
    }
    return names.enumerated().map { index, name in
      var members: [(String, JSONValue)] = [("logicalname", .string(name))]
      add("serial", text("/sys/class/net/\(name)/address"), &members)
      return node(names.count == 1 ? "network" : "network:\(index)", "network", members)
    }
  }

  /// Those that are built in, with a device behind them; sizes in sectors of 512 bytes.
  private var disks: [JSONValue] {
    let names = files.names("/sys/block").filter {
      files.link("/sys/block/\($0)/device") != nil
        && files.number("/sys/block/\($0)/removable") == 0
    }
    return names.enumerated().map { index, name in
      var members: [(String, JSONValue)] = [("logicalname", .string("/dev/\(name)"))]
      let device = "/sys/block/\(name)/device"
      add("product", text("\(device)/model") ?? text("\(device)/name"), &members)
      add("serial", text("\(device)/serial"), &members)
      if let sectors = files.number("/sys/block/\(name)/size"), sectors < UInt64.max >> 9 {
        members.append(("units", .string("bytes")))
        members.append(("size", .unsigned(sectors << 9)))
      }
      return node(names.count == 1 ? "disk" : "disk:\(index)", "disk", members)
    }
  }
}

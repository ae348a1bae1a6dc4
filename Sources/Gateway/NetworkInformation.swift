// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// How the device is in its network: name, and addresses of the interface by which it reaches the
/// rest of the world.
enum NetworkInformation {
  /// `{"local_ipv4","mac","hostname"}`; nil where no route leads outside.
  static func json(_ files: SystemFiles) -> JSONValue? {
    guard let interface = defaultInterface(files) else { return nil }
    let address = try? SocketAddress(ofInterface: interface)
    return .object([
      ("hostname", .string(files.hostName ?? "")), ("local_ipv4", .string(address?.text ?? "")),
      ("mac", .string(files.text("/sys/class/net/\(interface)/address") ?? "")),
    ])
  }

  /// The interface of the default route of the lowest metric. proc(5), `/proc/net/route`:
  /// ```
  /// Iface  Destination  Gateway  Flags  RefCnt  Use  Metric  Mask  …
  /// ```
  static func defaultInterface(_ files: SystemFiles) -> String? {
    var best: (name: String, metric: UInt64)?
    for line in files.lines("/proc/net/route").dropFirst() {
      let fields = line.split { $0 == 9 || $0 == 32 }
      guard fields.count >= 8, isZero(fields[1]), isZero(fields[7]),
        let metric = UInt64(String(decoding: fields[6], as: UTF8.self)),
        let name = SystemFiles.text(fields[0])
      else { continue }
      if best == nil || metric < best!.metric { best = (name, metric) }
    }
    return best?.name
  }

  private static func isZero(_ digits: ArraySlice<UInt8>) -> Bool {
    !digits.isEmpty && digits.allSatisfy { $0 == UInt8(ascii: "0") }
  }
}

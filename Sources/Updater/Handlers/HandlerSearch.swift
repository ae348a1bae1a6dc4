// SPDX-License-Identifier: Apache-2.0
import Linux

/// Which executable takes care of a target: `FOLDER/NAME`, where NAME is the hardware id of its
/// ECU, or else the target's format.
///
/// The hardware id first: a format says how something is packed, and `BINARY` not even that; the
/// hardware id says what it is for. Who makes a handler for it means this ECU and no other.
enum HandlerSearch {
  /// What an administrator adds stands over what the system brings.
  static let folders = ["/etc/coppice/handlers", "/usr/lib/coppice/handlers"]
  static let nameBytesMax = 64

  /// The name of a handler for this hardware id or format: in lower case, and only what no file
  /// system and no shell reads in another way. Nil where there can be none: OSTree is our own
  /// business.
  static func name(_ text: String) -> String? {
    guard text.utf8.count <= nameBytesMax else { return nil }
    var bytes = Array(text.utf8)
    for (index, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): bytes[index] = byte | 0x20
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): break
      case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): if index == 0 { return nil }
      default: return nil
      }
    }
    let name = String(decoding: bytes, as: UTF8.self)
    return name.isEmpty || same(name, "ostree") ? nil : name
  }

  /// The names to look for, in this order.
  static func names(format: String, _ ecu: HandledECU) -> [String] {
    var names: [String] = []
    for name in [name(ecu.hardwareID), name(format)] {
      if let name, !names.contains(where: { same($0, name) }) { names.append(name) }
    }
    return names
  }

  /// The path of the handler of this name. What stands in an earlier folder hides what is in a
  /// later one; if it cannot be executed, there is no handler.
  static func path(_ name: String, in folders: [String]) -> String? {
    for folder in folders {
      let path = "\(folder)/\(name)"
      if let status = try? FileDescriptor.status(of: path) {
        return status.type == .regular && status.permissions & 0o111 != 0 ? path : nil
      }
      // A link that leads nowhere hides as well.
      if (try? FileDescriptor.openDirectory(folder).contains(name)) == true { return nil }
    }
    return nil
  }
}

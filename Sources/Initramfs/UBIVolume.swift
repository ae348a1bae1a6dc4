// SPDX-License-Identifier: Apache-2.0
import Linux

/// A volume on raw flash, as sysfs describes it. Documentation/ABI/stable/sysfs-class-ubi.
struct UBIVolume: Hashable {
  let device: UInt32
  let number: UInt32
  let name: String

  /// Far above the 127 characters that a name may have.
  private static let nameBytesMax = 4096

  /// Those of every flash that is attached, in the order of the names of their folders; none where
  /// the kernel has no UBI. `system` is /sys.
  static func all(system: String) throws(InitramfsError) -> [UBIVolume] {
    let path = "\(system)/class/ubi"
    return try at(path) { () throws(Errno) in
      let directory: FileDescriptor
      do throws(Errno) { directory = try FileDescriptor.openDirectory(path) } catch {
        if error == .notFound { return [] }
        throw error
      }
      var volumes: [UBIVolume] = []
      for entry in try directory.sortedEntries() {
        // One that went away in between is not there.
        if let volume = UBIVolume(folder: entry.name, in: directory) { volumes.append(volume) }
      }
      return volumes
    }
  }

  /// `ubi0_1`; nil for `ubi0`, the flash as such.
  private init?(folder: String, in directory: borrowing FileDescriptor) {
    let (device, rest) = UBIVolume.leadingNumber(folder.utf8.dropFirst("ubi".utf8.count))
    guard folder.utf8.starts(with: "ubi".utf8), let device, rest.first == UInt8(ascii: "_"),
      case (let number?, let end) = UBIVolume.leadingNumber(rest.dropFirst()), end.isEmpty,
      let text = try? directory.open("\(folder)/name").readAll(limit: UBIVolume.nameBytesMax)
    else { return nil }
    self.device = device
    self.number = number
    name = String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }

  init(device: UInt32, number: UInt32, name: String) {
    self.device = device
    self.number = number
    self.name = name
  }

  /// Whether `source` names it, in one of the ways of `RootSpecification.ubi`.
  func answers(to source: String) -> Bool {
    let text = source.utf8.dropFirst("ubi".utf8.count)
    let (wanted, rest) = UBIVolume.leadingNumber(text)
    if rest.first == UInt8(ascii: ":") || rest.first == UInt8(ascii: "!") {
      // Without a number in front of the name it is that of the first flash.
      let isHere = rest.startIndex == text.startIndex ? device == 0 : wanted == device
      return isHere && rest.dropFirst().elementsEqual(name.utf8)
    }
    // A number alone is that of a volume of the first flash.
    if rest.isEmpty { return device == 0 && wanted == number }
    guard rest.first == UInt8(ascii: "_"), wanted == device else { return false }
    let (wantedNumber, end) = UBIVolume.leadingNumber(rest.dropFirst())
    return wantedNumber == number && end.isEmpty
  }

  /// Nil where no digit stands, or where they are no number that a device can have.
  private static func leadingNumber(
    _ text: Substring.UTF8View
  ) -> (UInt32?, Substring.UTF8View) {
    let digits = text.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    return (
      UInt32(String(decoding: digits, as: UTF8.self)), text[digits.endIndex...]
    )
  }
}

extension UBIVolume: CustomStringConvertible {
  /// As it may stand after `root=`.
  var description: String { "ubi\(device):\(name)" }
}

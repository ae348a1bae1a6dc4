// SPDX-License-Identifier: Apache-2.0
import Codec

/// Which device this is, and on which server: the file `device`. It is there before a server hears
/// of the device, so that who was cut off knows by which name it may be known.
/// ```
/// [device]
/// id=lusab-babad-gutih-tugad
/// drawn=true                     made up here, not configured
/// url=https://gateway.example.com
/// ```
struct DeviceRecord {
  static let name = "device"
  private static let group = "device"

  var id: String
  var isDrawn: Bool
  /// What the credentials named, if they did.
  var url: String?

  init(id: String, isDrawn: Bool, url: String?) {
    (self.id, self.isDrawn, self.url) = (id, isDrawn, url)
  }

  /// Nil if there is none yet. Throws `.damaged`.
  init?(in folder: GatewayFolder) throws(GatewayError) {
    guard let file = try folder.readKeyfile(DeviceRecord.name) else { return nil }
    guard let id = file.string(DeviceRecord.group, "id"), DeviceName.isValid(id) else {
      throw .damaged(path: folder.file(DeviceRecord.name))
    }
    self.id = id
    isDrawn = ((try? file.boolean(DeviceRecord.group, "drawn")) ?? nil) ?? false
    url = file.string(DeviceRecord.group, "url")
  }

  func write(to folder: GatewayFolder) throws(GatewayError) {
    var file = GatewayFolder.newKeyfile()
    file.set(DeviceRecord.group, "id", to: id)
    file.set(DeviceRecord.group, "drawn", to: isDrawn)
    if let url { file.set(DeviceRecord.group, "url", to: url) }
    try folder.write(DeviceRecord.name, file)
  }
}

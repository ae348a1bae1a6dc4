// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography

/// What a handler may want to know of its target: one JSON document.
/// ```json
/// {"schema":"coppice.handler/1",
///  "target":{"name":"apps-7.lock.yml","version":"7","format":"BINARY","length":1204,
///   "hashes":{"sha256":"4e67ea…"},"file":"/var/lib/coppice/targets/sha256-4e67ea…"},
///  "previous":null,
///  "ecu":{"serial":"gw-0001-compose","hardware_id":"docker-compose"},
///  "correlation_id":"urn:here-ota:mtu:…","deployment":null,
///  "custom":{…}}
/// ```
/// `previous` is what `revert` goes back to, in the form of `target`; `custom` is as the metadata
/// has it. Keys that do not apply are null.
enum HandlerMetadata {
  static func text(
    of slot: HandlerSlot, _ target: HandledTarget, with system: HandledSystem?, custom: JSONNode?,
    _ targets: TargetFolder
  ) -> [UInt8] {
    let plain = JSONValue.object([
      ("schema", .string("coppice.handler/1")),
      ("target", member(target, targets)),
      ("previous", slot.proven.map { member($0, targets) } ?? .null),
      (
        "ecu",
        .object([
          ("serial", .string(slot.ecu.serial)), ("hardware_id", .string(slot.ecu.hardwareID)),
        ])
      ),
      ("correlation_id", .string(orNull: target.correlationID)),
      (
        "deployment",
        system.map {
          .object([("stateroot", .string($0.stateroot)), ("checksum", .string($0.commit.hex))])
        } ?? .null
      ),
    ])
    var text = Array(plain.serialized().utf8.dropLast())
    text += Array(",\"custom\":".utf8)
    text += custom?.canonical(.otaUTF8) ?? Array("null".utf8)
    return text + Array("}\n".utf8)
  }

  private static func member(_ target: HandledTarget, _ targets: TargetFolder) -> JSONValue {
    var hashes: [(String, JSONValue)] = []
    if let checksum = target.content.sha256 { hashes.append(("sha256", .string(checksum.hex))) }
    if let digest = target.content.sha512 {
      hashes.append(("sha512", .string(Hex.encode(digest.span))))
    }
    return .object([
      ("name", .string(target.name)), ("version", .string(orNull: target.version)),
      ("format", .string(target.format)), ("length", .unsigned(target.content.lengthBytes)),
      ("hashes", .object(hashes)), ("file", .string(targets.path(of: target.content))),
    ])
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux

/// Where what belongs to handlers lies below the folder of coppice's state:
/// ```
/// targets/                              contents; see TargetFolder
/// handled-targets                       what was made of what; see HandlerRecord
/// handlers/docker-compose/0c44d1…/      a folder for the handler's own use, and where it runs
/// handlers/docker-compose/0c44d1….json  the metadata of the target that it is called for
/// ```
/// The digits are of the ECU's serial, which may hold anything.
struct HandlerPlaces {
  /// The folder of coppice's state.
  let state: String

  private static let recordName = "handled-targets"
  private var folder: String { "\(state)/handlers" }

  var targets: TargetFolder { TargetFolder("\(state)/targets") }
  var record: String { "\(state)/\(HandlerPlaces.recordName)" }

  func folder(of slot: HandlerSlot) -> String { "\(folder)/\(slot.handler)/\(digits(slot))" }

  func metadata(of slot: HandlerSlot) -> String { "\(folder(of: slot)).json" }

  private func digits(_ slot: HandlerSlot) -> String {
    let digits = SHA256.hash(Array(slot.ecu.serial.utf8)).hex.utf8.prefix(16)
    return String(decoding: digits, as: UTF8.self)
  }

  /// Empty where nothing was recorded. Throws `strangeRecord` for a record that cannot be read, or
  /// that a newer coppice wrote in another form.
  func readRecord() throws(UpdaterError) -> HandlerRecord {
    let text = try at(record) { () throws(Errno) -> [UInt8]? in
      do throws(Errno) {
        return try FileDescriptor.open(record).readAll(limit: HandlerRecord.bytesMax)
      } catch {
        if error == .notFound { return nil }
        throw error
      }
    }
    guard let text else { return HandlerRecord() }
    guard let found = HandlerRecord(parsing: text) else { throw .strangeRecord(path: record) }
    return found
  }

  /// Durable when it returns; a power cut leaves the old record or the new one.
  func write(_ new: HandlerRecord) throws(UpdaterError) {
    try at(record) { () throws(Errno) in
      try FileDescriptor.openDirectory(".").makeDirectories(state)
      try FileDescriptor.openDirectory(state)
        .replaceFile(HandlerPlaces.recordName, with: new.serialized(), mode: 0o600)
    }
  }

  /// Makes the folder of a slot.
  func prepare(_ slot: HandlerSlot) throws(UpdaterError) {
    let path = folder(of: slot)
    try at(path) { () throws(Errno) in _ = try StateFolder.openPrivate(path) }
  }

  /// Durable when it returns.
  func writeMetadata(_ text: [UInt8], of slot: HandlerSlot) throws(UpdaterError) {
    try at(metadata(of: slot)) { () throws(Errno) in
      try StateFolder.openPrivate("\(folder)/\(slot.handler)")
        .replaceFile("\(digits(slot)).json", with: text, mode: 0o600)
    }
  }
}

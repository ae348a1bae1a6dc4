// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// A target's file on its way: hashed as it is written, and named for its content only when that
/// has held. What an earlier run left is taken up again, and hashed from its first byte.
struct TargetPart: ~Copyable {
  let content: TargetContent
  /// Bytes that are there.
  private(set) var writtenBytes: UInt64 = 0
  /// Whether some of them are an earlier run's.
  private(set) var isResumed = false
  /// What tells that the server's copy is still the one that they are of.
  private(set) var validator: String?
  private let place: TargetPlace
  private let folder: FileDescriptor
  private let file: FileDescriptor
  private let url: String
  private var hash: ContentHash
  private var recordedBytes: UInt64 = 0

  /// How much is written between two records, of which each costs a few syncs: what is fetched
  /// again after a power cut, at most. A broken connection, or a signal, leaves a record too.
  static let recordBytes: UInt64 = 16 << 20

  static func open(
    _ content: TargetContent, at place: TargetPlace, from url: String
  ) throws(Errno) -> TargetPart {
    let folder = try place.make()
    let file = try folder.open(
      place.partName, [.readWrite, .create, .noFollow], mode: place.fileMode)
    var part = TargetPart(content, place, folder, file, url)
    try part.resume()
    return part
  }

  private init(
    _ content: TargetContent, _ place: TargetPlace, _ folder: consuming FileDescriptor,
    _ file: consuming FileDescriptor, _ url: String
  ) {
    self.content = content
    self.place = place
    self.folder = folder
    self.file = file
    self.url = url
    hash = ContentHash(content)
  }

  /// Nothing of the record is trusted: it says how much of the file is worth a try, and the hashes
  /// decide in the end. Another URL may serve the same bytes, but has other names for them.
  private mutating func resume() throws(Errno) {
    let record = TargetPartRecord.read(place.recordName, in: folder)
    let size = try file.status().sizeBytes
    if let record, same(record.content, content.fileName), record.storedBytes > 0,
      record.storedBytes <= min(size, content.lengthBytes)
    {
      writtenBytes = try hash.update(with: file, count: record.storedBytes)
      recordedBytes = writtenBytes
      isResumed = writtenBytes > 0
      if same(record.url, url) { validator = record.validator }
    }
    try file.truncate(to: Int64(writtenBytes))
    try file.seek(to: Int64(writtenBytes))
  }

  /// The response that follows has this validator.
  mutating func begin(validator: String?) { self.validator = validator }

  mutating func write(_ bytes: Span<UInt8>) throws(Errno) {
    hash.update(bytes)
    try file.write(bytes)
    writtenBytes += UInt64(bytes.count)
    if writtenBytes - recordedBytes >= TargetPart.recordBytes { try record() }
  }

  /// Lets a later run go on from here. Durable when it returns.
  mutating func record() throws(Errno) {
    if writtenBytes == recordedBytes { return }
    try file.syncData()
    let record = TargetPartRecord(
      content: content.fileName, url: url, validator: validator, storedBytes: writtenBytes)
    try folder.replaceFile(place.recordName, with: record.serialized(), mode: 0o600)
    recordedBytes = writtenBytes
    // An update must not evict the device's own programs.
    file.dropCache()
  }

  /// Begins at the first byte: what is there is of no use.
  mutating func restart() throws(Errno) {
    _ = try folder.unlinkIfPresent(place.recordName)
    try file.truncate(to: 0)
    try file.seek(to: 0)
    _ = hash.finish()
    (writtenBytes, recordedBytes, isResumed, validator) = (0, 0, false, nil)
  }

  /// Leaves nothing behind: what came is not of the content.
  mutating func discard() throws(Errno) {
    _ = try folder.unlinkIfPresent(place.recordName)
    _ = try folder.unlinkIfPresent(place.partName)
    (writtenBytes, recordedBytes, isResumed) = (0, 0, false)
  }

  /// Names the file if it is the content; else it is worth nothing. Durable when it returns.
  mutating func finish() throws(Errno) -> HashVerdict {
    let verdict = hash.finish()
    guard verdict == .holds else {
      try discard()
      return verdict
    }
    try file.sync()
    try folder.rename(place.partName, to: place.name)
    _ = try folder.unlinkIfPresent(place.recordName)
    try folder.sync()
    return .holds
  }
}

/// Where a download can go on: the file `NAME.resume`.
/// ```
/// [part]
/// content=sha256-91b2c7…        of which content they are
/// url=https://updates.example.com/repo/targets/radio.bin
/// validator="5f3a-60c1"         missing where the server gave none
/// stored=16777216               bytes that are on the medium
/// ```
struct TargetPartRecord: Hashable {
  let content: String
  let url: String
  let validator: String?
  let storedBytes: UInt64

  private static let group = "part"
  /// A URL and an ETag are bounded by what a head of HTTP may hold.
  private static let bytesMax = 256 << 10

  init(content: String, url: String, validator: String?, storedBytes: UInt64) {
    (self.content, self.url) = (content, url)
    (self.validator, self.storedBytes) = (validator, storedBytes)
  }

  init?(parsing text: [UInt8]) {
    guard let file = try? Keyfile(parsing: text),
      let content = file.string(Self.group, "content"), let url = file.string(Self.group, "url"),
      let stored = file.string(Self.group, "stored").flatMap({ UInt64($0) })
    else { return nil }
    self.init(
      content: content, url: url, validator: file.string(Self.group, "validator"),
      storedBytes: stored)
  }

  func serialized() -> [UInt8] {
    var file = Keyfile()
    file.set(Self.group, "content", to: content)
    file.set(Self.group, "url", to: url)
    if let validator { file.set(Self.group, "validator", to: validator) }
    file.set(Self.group, "stored", to: String(storedBytes))
    return file.serialized()
  }

  static func read(_ name: String, in folder: borrowing FileDescriptor) -> TargetPartRecord? {
    guard
      let text = try? folder.open(name, [.readOnly, .noFollow, .nonBlocking])
        .readAll(limit: bytesMax)
    else { return nil }
    return TargetPartRecord(parsing: text)
  }
}

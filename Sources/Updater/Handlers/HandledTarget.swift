// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Uptane

/// A verified target that a handler takes care of, as it is remembered.
public struct HandledTarget: Hashable, Sendable {
  /// The target's path in the metadata.
  public let name: String
  public let version: String?
  /// As the metadata writes it, for example `BINARY`.
  public let format: String
  public let content: TargetContent
  /// Of the assignment that asked for it.
  public let correlationID: String?

  /// Longer names, versions and identifiers are nobody's honest ones, and are kept nowhere.
  public static let textBytesMax = 1024

  /// Nil where a text is longer than that or holds control characters: it goes into keyfiles and
  /// into the environment of programs.
  public init?(
    name: String, version: String?, format: String, content: TargetContent, correlationID: String?
  ) {
    for text in [name, version ?? "", format, correlationID ?? ""] {
      guard HandledTarget.isFit(text) else { return nil }
    }
    self.name = name
    self.version = version
    self.format = format
    self.content = content
    self.correlationID = correlationID
  }

  static func isFit(_ text: String) -> Bool {
    text.utf8.count <= textBytesMax && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }

  /// The same thing under the same name, whoever asked for it.
  public func isSame(as other: HandledTarget) -> Bool {
    content == other.content && same(name, other.name)
  }

  /// The same, and asked for by the same assignment.
  func isSameAssignment(as other: HandledTarget) -> Bool {
    isSame(as: other) && same(correlationID ?? "", other.correlationID ?? "")
  }
}

/// An ECU, as metadata and device call it.
public struct HandledECU: Hashable, Sendable {
  public let serial: String
  public let hardwareID: String

  /// Nil where one of them is longer than any honest one or holds control characters.
  public init?(serial: String, hardwareID: String) {
    guard HandledTarget.isFit(serial), HandledTarget.isFit(hardwareID) else { return nil }
    self.serial = serial
    self.hardwareID = hardwareID
  }
}

extension HandledECU {
  init?(_ ecu: ECU) { self.init(serial: ecu.serial, hardwareID: ecu.hardwareID) }
}

extension HandledTarget {
  /// What the director is told of an ECU that runs it.
  var image: InstalledImage {
    InstalledImage(
      path: name,
      hashes: Hashes(
        sha256: content.sha256?.hex, sha512: content.sha512.map { Hex.encode($0.span) }),
      length: content.lengthBytes)
  }
}

/// The deployment that a target goes with: known by its commit before it is made.
public struct HandledSystem: Hashable, Sendable {
  public let stateroot: String
  public let commit: Checksum

  public init(stateroot: String, commit: Checksum) {
    (self.stateroot, self.commit) = (stateroot, commit)
  }

  public static func == (one: HandledSystem, other: HandledSystem) -> Bool {
    one.commit == other.commit && same(one.stateroot, other.stateroot)
  }
}

// MARK: - Text
extension HandledTarget {
  init?(in file: Keyfile, _ group: String) {
    guard let name = file.string(group, "name"), let format = file.string(group, "format"),
      let length = file.string(group, "length").flatMap({ UInt64($0) })
    else { return nil }
    let (short, long) = (file.string(group, "sha256"), file.string(group, "sha512"))
    let content = TargetContent(
      lengthBytes: length, sha256: short.flatMap { Checksum(hex: $0) },
      sha512: long.flatMap { Hex.decode($0) })
    guard let content, (content.sha256 == nil) == (short == nil),
      (content.sha512 == nil) == (long == nil)
    else { return nil }
    self.init(
      name: name, version: file.string(group, "version"), format: format, content: content,
      correlationID: file.string(group, "correlation-id"))
  }

  func write(to file: inout Keyfile, _ group: String) {
    file.set(group, "name", to: name)
    if let version { file.set(group, "version", to: version) }
    file.set(group, "format", to: format)
    file.set(group, "length", to: String(content.lengthBytes))
    if let checksum = content.sha256 { file.set(group, "sha256", to: checksum.hex) }
    if let digest = content.sha512 { file.set(group, "sha512", to: Hex.encode(digest.span)) }
    if let correlationID { file.set(group, "correlation-id", to: correlationID) }
  }
}

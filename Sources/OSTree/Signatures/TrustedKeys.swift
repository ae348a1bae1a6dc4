// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux

/// Public keys whose signatures count, by engine, without those that were revoked.
///
/// Each is the 32 raw bytes of an Ed25519 key, whichever way it was written.
public struct TrustedKeys: Hashable, Sendable {
  private var keys: [SignatureEngine: [[UInt8]]] = [:]

  public init() {}

  public subscript(engine: SignatureEngine) -> [[UInt8]] {
    get { keys[engine] ?? [] }
    set { keys[engine] = newValue }
  }

  public mutating func add(_ key: [UInt8], _ engine: SignatureEngine) {
    if !self[engine].contains(key) { self[engine].append(key) }
  }

  public var isEmpty: Bool { keys.values.allSatisfy { $0.isEmpty } }

  /// No honest list of keys is longer.
  private static let fileLimitBytes = 1 << 20
  /// Where a system keeps keys that hold for every remote without its own.
  private static let systemFolders = ["etc/ostree", "usr/share/ostree"]
}

// What is in a file of keys.
extension TrustedKeys {
  /// The keys of a file: for `ed25519` one in base64 on each line, for `spki` PEM. Lines that hold
  /// no key are skipped, as in libostree: a newer file may hold keys that we cannot use.
  static func parse(_ text: [UInt8], _ engine: SignatureEngine) -> [[UInt8]] {
    let lines = text.split(separator: UInt8(ascii: "\n")).map { trimmed($0) }
    switch engine {
    case .ed25519: return lines.compactMap { parseKey($0, engine) }
    case .spki: return parsePEM(lines)
    }
  }

  /// A key in base64: 32 bytes for `ed25519`, SubjectPublicKeyInfo for `spki`.
  static func parseKey(_ text: String, _ engine: SignatureEngine) -> [UInt8]? {
    guard let bytes = Base64.decode(text) else { return nil }
    switch engine {
    case .ed25519: return bytes.count == Ed25519.publicKeyByteCount ? bytes : nil
    case .spki: return Ed25519.publicKey(subjectPublicKeyInfo: bytes[...])
    }
  }

  private static func parsePEM(_ lines: [String]) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    var body: String?
    for line in lines {
      if line == "-----BEGIN PUBLIC KEY-----" {
        body = ""
      } else if line == "-----END PUBLIC KEY-----" {
        if let text = body, let key = parseKey(text, .spki) { keys.append(key) }
        body = nil
      } else {
        body?.append(line)
      }
    }
    return keys
  }

  /// Without the blanks and the carriage return around it.
  private static func trimmed(_ line: ArraySlice<UInt8>) -> String {
    func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 }
    var line = line
    while let first = line.first, isBlank(first) { line.removeFirst() }
    while let last = line.last, isBlank(last) { line.removeLast() }
    return String(decoding: line, as: UTF8.self)
  }
}

// Where keys come from.
extension TrustedKeys {
  /// The keys that `remote` names, or where it names none for an engine, those of the system
  /// below `systemRoot`. Revoked keys never count.
  ///
  /// Throws for a key or a file that the remote names and that is not one, or not there: a typing
  /// error must not turn into other keys being trusted.
  public init(for remote: RemoteConfig, systemRoot: String = "/") throws(OSTreeError) {
    for engine in SignatureEngine.allCases {
      var found: [[UInt8]]
      if let named = try TrustedKeys.named(by: remote, engine) {
        found = named
      } else {
        found = try TrustedKeys.system("trusted", engine, systemRoot)
      }
      let revoked = try TrustedKeys.system("revoked", engine, systemRoot)
      found.removeAll { revoked.contains($0) }
      for key in found { add(key, engine) }
    }
  }

  /// Nil if the remote names no keys for this engine.
  private static func named(
    by remote: RemoteConfig, _ engine: SignatureEngine
  ) throws(OSTreeError) -> [[UInt8]]? {
    guard let setting = remote.keySettings[engine], setting.key != nil || setting.file != nil
    else { return nil }
    var keys: [[UInt8]] = []
    if let text = setting.key {
      guard let key = parseKey(text, engine) else {
        throw .configuration(
          path: remote.path,
          .value(
            group: RemoteConfig.group(remote.name), key: "verification-\(engine.rawValue)-key",
            found: text))
      }
      keys.append(key)
    }
    if let path = setting.file {
      do throws(OSTreeError) { keys += try file(path, engine) } catch {
        if case .file(_, let errno) = error { throw .keyFile(path: path, errno) }
        throw error
      }
    }
    return keys
  }

  private static func file(
    _ path: String, _ engine: SignatureEngine
  ) throws(OSTreeError) -> [[UInt8]] {
    let text = try naming(path) { () throws(Errno) in
      try FileDescriptor.open(path).readAll(limit: fileLimitBytes)
    }
    return parse(text, engine)
  }

  /// `/etc/ostree/trusted.ed25519`, the files in `/etc/ostree/trusted.ed25519.d`, and the same
  /// below `/usr/share`. Nothing of it need be there.
  private static func system(
    _ kind: String, _ engine: SignatureEngine, _ root: String
  ) throws(OSTreeError) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    for folder in systemFolders {
      let path = "\(root)/\(folder)/\(kind).\(engine.rawValue)"
      if let found = try fileIfPresent(path, engine) { keys.append(contentsOf: found) }
      for name in try names(inFolder: "\(path).d") {
        if let found = try fileIfPresent("\(path).d/\(name)", engine) {
          keys.append(contentsOf: found)
        }
      }
    }
    return keys
  }

  private static func fileIfPresent(
    _ path: String, _ engine: SignatureEngine
  ) throws(OSTreeError) -> [[UInt8]]? {
    do throws(OSTreeError) { return try file(path, engine) } catch {
      if error == .file(path: path, .notFound) || error == .file(path: path, .notDirectory) {
        return nil
      }
      throw error
    }
  }

  private static func names(inFolder path: String) throws(OSTreeError) -> [String] {
    do throws(Errno) {
      return try FileDescriptor.openDirectory(path).sortedEntries()
        .filter { $0.type != .directory }.map { $0.name }
    } catch {
      if error == .notFound || error == .notDirectory { return [] }
      throw .file(path: path, error)
    }
  }
}

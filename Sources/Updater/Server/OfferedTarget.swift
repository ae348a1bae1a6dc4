// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import Transport
import Uptane

/// A target of an offer that a handler is to take care of, and where its content is.
public struct OfferedTarget: Sendable {
  public let job: HandlerJob
  let source: Source

  enum Source: Sendable {
    case server(HTTPClient, HTTPURL)
    /// A file, of an update from a folder.
    case file(String)
    /// Made here of what the metadata say.
    case bytes([UInt8])
  }

  var installation: HandledInstallation { HandledInstallation(job.ecu, job.target) }
}

extension HandledTarget {
  /// Throws `target` for what cannot be kept, or checked.
  init(_ target: VerifiedTarget, correlationID: String?) throws(UpdaterError) {
    let content = TargetContent(
      lengthBytes: target.length,
      sha256: target.hashes.sha256.flatMap { Checksum(hex: $0) },
      sha512: target.hashes.sha512.flatMap { Hex.decode($0) })
    guard let content,
      let made = HandledTarget(
        name: target.path, version: target.version, format: target.format ?? "", content: content,
        correlationID: correlationID)
    else { throw .target(target.path, .unfit) }
    self = made
  }
}

extension VerifiedTarget {
  /// Of the image: `custom.version`, a string or a number.
  var version: String? {
    let node = imageCustom?["version"]
    return node?.string ?? node?.integer.map { String($0) }
  }
}

/// Where the contents of targets are that are no commits.
struct TargetOrigin {
  enum Kind {
    /// The image repository; `outside` shows no identity to whom another URL names.
    case server(HTTPClient, outside: HTTPClient, images: HTTPURL)
    /// With the folder `targets`.
    case folder(String)
  }

  let kind: Kind

  /// What the metadata name, else the path of the target below `targets`.
  func source(of target: VerifiedTarget) throws(UpdaterError) -> OfferedTarget.Source {
    switch kind {
    case .folder(let folder): return .file("\(folder)/targets/\(target.path)")
    case .server(let client, let outside, let images):
      guard let text = target.uri else {
        return .server(client, images.appending("targets").appending(target.path))
      }
      guard let url = HTTPURL(text) else { throw .transport(.url(text)) }
      return .server(url.origin == images.origin ? client : outside, url)
    }
  }
}

extension TargetFolder {
  /// Makes sure that the content is here, whole and verified. Errors: as `fetch`; `target` and
  /// `file` for one that is to be copied.
  func take(
    _ offered: OfferedTarget, _ report: (TargetProgress) -> Void
  ) throws(UpdaterError) {
    let (target, content) = (offered.job.target, offered.job.target.content)
    switch offered.source {
    case .server(let client, let url):
      _ = try fetch(TargetRequest(target.name, from: url, content), by: client, report)
    case .bytes(let bytes): _ = try store(bytes)
    case .file(let path):
      if try contains(content) { return }
      try copy(target.name, path, content)
    }
  }

  private static func open(_ path: String, for name: String) throws(UpdaterError) -> FileDescriptor
  {
    do throws(Errno) { return try FileDescriptor.open(path, [.readOnly, .nonBlocking]) } catch {
      if error == .notFound || error == .notDirectory { throw .target(name, .missing(url: path)) }
      throw .file(path: path, error)
    }
  }

  /// Durable when it returns.
  private func copy(
    _ name: String, _ path: String, _ content: TargetContent
  ) throws(UpdaterError) {
    let source = try TargetFolder.open(path, for: name)
    let found = try at(path) { () throws(Errno) in try source.status() }
    guard found.type == .regular, found.sizeBytes == content.lengthBytes else {
      throw .target(
        name, .length(url: path, foundBytes: found.sizeBytes, expectedBytes: content.lengthBytes))
    }
    var part = try at(self.path) { () throws(Errno) in
      try TargetPart.open(content, at: place(of: content), from: path)
    }
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while part.writtenBytes < content.lengthBytes {
      let offset = Int64(part.writtenBytes)
      let wanted = Int(min(UInt64(buffer.count), content.lengthBytes - part.writtenBytes))
      let count = try at(path) { () throws(Errno) in
        try source.read(into: &buffer, count: wanted, offset: offset)
      }
      if count == 0 { break }
      try at(self.path) { () throws(Errno) in try part.write(buffer.span.extracting(0..<count)) }
    }
    let verdict = try at(self.path) { () throws(Errno) in try part.finish() }
    if case .differs(let found, let expected) = verdict {
      throw .target(name, .hash(url: path, found: found, expected: expected))
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
public import Transport
public import Uptane

/// A target file that is where it was asked for, with the content that metadata promise.
public struct DownloadedTarget: Sendable {
  public let path: String
  /// False if it was there already.
  public let wasFetched: Bool
}

/// Fetches target files of a plain TUF repository into a folder. TUF specification, 5.7.
///
/// Each lies there under its own path, percent-encoded, so that no path can lead out of the folder.
public struct TargetDownload: Sendable {
  let client: HTTPClient
  let base: HTTPURL
  let folder: String

  public init(_ client: HTTPClient, _ base: HTTPURL, folder: String) {
    self.client = client
    self.base = base
    self.folder = folder
  }

  /// Fetches `target`, unless it is there already. What comes is hashed as it is written, under
  /// another name; it gets its own once length and all known hashes hold. Durable when it returns.
  ///
  /// `prefixed`: servers have it as `HASH.NAME`. TUF specification, 6.2. Throws `content`,
  /// `transfer`, `store`.
  public func run(_ target: Target, prefixed: Bool) throws(MetadataError) -> DownloadedTarget {
    if target.hashes.isEmpty { throw .content(path: target.path, .noKnownHash) }
    let name = PercentEncoding.fileName(target.path, byteCountMax: 200) {
      SHA256.hash(Array($0.utf8)).hex
    }
    let path = "\(folder)/\(name)"
    try at(folder) { () throws(Errno) in
      try FileDescriptor.openDirectory(".").makeDirectories(folder)
    }
    let isThere = try at(path) { () throws(Errno) in try holds(name, target) }
    if !isThere { try fetch(target, url(target, prefixed), as: name, path) }
    return DownloadedTarget(path: path, wasFetched: !isThere)
  }

  private func url(_ target: Target, _ prefixed: Bool) -> HTTPURL {
    let slash = UInt8(ascii: "/")
    var parts = target.path.utf8.split(separator: slash, omittingEmptySubsequences: false)
      .map { PercentEncoding.component(String(decoding: $0, as: UTF8.self)) }
    let hash = target.hashes.sha256 ?? target.hashes.sha512
    if prefixed, let hash, let last = parts.popLast() {
      parts.append("\(PercentEncoding.component(hash)).\(last)")
    }
    return base.appending(encoded: parts.joined(separator: "/"))
  }

  private func holds(_ name: String, _ target: Target) throws(Errno) -> Bool {
    let directory = try FileDescriptor.openDirectory(folder)
    guard let status = try directory.statusIfPresent(of: name), status.type == .regular,
      status.sizeBytes == target.length
    else { return false }
    let file = try directory.open(name, [.readOnly, .noFollow])
    var digest = TargetDigest()
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = try file.read(into: &buffer)
      if count == 0 { return digest.fault(target) == nil }
      digest.update(buffer.span.extracting(0..<count))
    }
  }

  private func fetch(
    _ target: Target, _ url: HTTPURL, as name: String, _ path: String
  ) throws(MetadataError) {
    let temporary = ".\(name).new"
    let file = try at(path) { () throws(Errno) in
      let directory = try FileDescriptor.openDirectory(folder)
      try directory.unlinkIfPresent(temporary)
      return try directory.open(temporary, [.writeOnly, .create, .exclusive, .noFollow])
    }
    let sink = TargetSink(TransferRequest(url, limitBytes: target.length), file, target, path)
    client.run(url, sink)
    do throws(MetadataError) {
      try sink.finish()
      try at(path) { () throws(Errno) in
        let directory = try FileDescriptor.openDirectory(folder)
        try directory.rename(temporary, to: name)
        try directory.sync()
      }
    } catch {
      _ = try? FileDescriptor.openDirectory(folder).unlinkIfPresent(temporary)
      throw error
    }
  }

  private func at<R: ~Copyable>(
    _ path: String, _ body: () throws(Errno) -> R
  ) throws(MetadataError) -> R {
    do throws(Errno) { return try body() } catch { throw .store(path: path, error) }
  }
}

/// What metadata promise of a file, taken from the file itself.
private struct TargetDigest: ~Copyable {
  private var sha256 = SHA256()
  private var sha512 = SHA512()
  private var count: UInt64 = 0

  mutating func update(_ bytes: Span<UInt8>) {
    sha256.update(bytes)
    sha512.update(bytes)
    count += UInt64(bytes.count)
  }

  /// Nil if all that is known of `target` holds. Ready for the next file.
  mutating func fault(_ target: Target) -> ContentFault? {
    let found = Hashes(sha256: sha256.finish().hex, sha512: Hex.encode(sha512.finish().span))
    defer { count = 0 }
    if count != target.length { return .length(found: count, expected: target.length) }
    return target.hashes.agrees(with: found) ? nil : .hash
  }
}

/// Takes a target file from the server into its file.
private final class TargetSink: TransferHandler {
  private var request: TransferRequest?
  private let file: FileDescriptor
  private let target: Target
  private let path: String
  private var digest = TargetDigest()
  private var failure: MetadataError? = .transfer(.interrupted)

  init(
    _ request: TransferRequest, _ file: consuming FileDescriptor, _ target: Target, _ path: String
  ) {
    self.request = request
    self.file = file
    self.target = target
    self.path = path
  }

  /// Judges what came, and makes it durable.
  func finish() throws(MetadataError) {
    if let failure { throw failure }
    if let fault = digest.fault(target) { throw .content(path: target.path, fault) }
    do throws(Errno) { try file.sync() } catch { throw .store(path: path, error) }
  }

  func nextRequest(mayWait: Bool) -> TransferRequest? {
    defer { request = nil }
    return request
  }

  func begin(_ request: TransferRequest, _ response: ResponseInfo) {}

  func receive(_ request: TransferRequest, _ bytes: Span<UInt8>) -> TransferVerdict {
    digest.update(bytes)
    do throws(Errno) { try file.write(bytes) } catch {
      failure = .store(path: path, error)
      return .abandon
    }
    return .proceed
  }

  func restart(_ request: TransferRequest) {
    digest = TargetDigest()
    do throws(Errno) {
      try file.truncate(to: 0)
      try file.seek(to: 0)
    } catch { failure = .store(path: path, error) }
  }

  func finish(_ request: TransferRequest) {
    // A file that could not be emptied for a second beginning would be judged wrong in any case.
    if case .transfer(.interrupted) = failure { failure = nil }
  }

  func fail(_ request: TransferRequest, _ error: TransportError) {
    if case .tooLarge(_, let limit) = error {
      failure = .content(path: target.path, .oversized(limitBytes: limit))
    } else {
      failure = .transfer(error)
    }
  }

  var isCancelled: Bool { false }
}

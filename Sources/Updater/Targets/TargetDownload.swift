// SPDX-License-Identifier: Apache-2.0
import Codec
import Configuration
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

  /// Fetches `target`, unless it is there already. Durable when it returns.
  ///
  /// `prefixed`: servers have it as `HASH.NAME`. TUF specification, 6.2. Throws as
  /// `TargetFolder.fetch`.
  public func run(_ target: Target, prefixed: Bool) throws(UpdaterError) -> DownloadedTarget {
    guard let content = TargetContent(target) else { throw .target(target.path, .unknownHash) }
    let name = PercentEncoding.fileName(target.path, byteCountMax: TargetDownload.nameByteCountMax)
    {
      SHA256.hash(Array($0.utf8)).hex
    }
    let place = TargetPlace(folder: folder, name: name, owner: .caller)
    let isThere = try at(place.path) { () throws(Errno) in try place.contains(content) }
    if !isThere {
      _ = try place.fetch(
        TargetRequest(target.path, from: url(target, prefixed), content), by: client,
        reserving: .bytes(0)
      ) { _ in }
    }
    return DownloadedTarget(path: place.path, wasFetched: !isThere)
  }

  /// A name of a file has 255 bytes at most, and some stand around it on the way.
  private static let nameByteCountMax = 200

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
}

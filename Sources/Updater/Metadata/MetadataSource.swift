// SPDX-License-Identifier: Apache-2.0
import Linux
public import Transport
public import Uptane

/// Where metadata come from: a server or a folder.
public protocol MetadataSource {
  /// A file, whole. Throws `oversized` for one that is longer than the request allows.
  func fetch(_ request: MetadataRequest) throws(FetchFailure) -> [UInt8]
}

/// A repository on a server. The whole of a file is in memory.
public struct ServerMetadata: MetadataSource {
  let client: HTTPClient
  let base: HTTPURL

  public init(_ client: HTTPClient, _ base: HTTPURL) {
    self.client = client
    self.base = base
  }

  public func fetch(_ request: MetadataRequest) throws(FetchFailure) -> [UInt8] {
    let url = base.appending(encoded: request.path)
    do throws(TransportError) {
      switch try client.get(url, limitBytes: Int(clamping: request.bytesMax)) {
      case .body(let bytes, conditions: _): return bytes
      // No condition was sent.
      case .notModified: throw .malformed(url: url.text, .status)
      }
    } catch {
      if case .tooLarge = error { throw .oversized }
      throw .transport(error)
    }
  }
}

/// A repository in a folder, with the file names that it would have on a server: an update from a
/// stick.
public struct FolderMetadata: MetadataSource {
  let folder: String

  public init(_ folder: String) { self.folder = folder }

  public func fetch(_ request: MetadataRequest) throws(FetchFailure) -> [UInt8] {
    let path = "\(folder)/\(request.path)"
    do throws(Errno) {
      return try FileDescriptor.open(path, [.readOnly, .nonBlocking])
        .readAll(limit: Int(clamping: request.bytesMax))
    } catch {
      switch error {
      case .notFound, .notDirectory: throw .missing(path: path)
      case .overflow: throw .oversized
      default: throw .file(path: path, error)
      }
    }
  }
}

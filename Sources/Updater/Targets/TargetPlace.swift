// SPDX-License-Identifier: Apache-2.0
import Linux

/// Where the content of one target shall be, and what is on its way there.
/// ```
/// FOLDER/NAME            whole and verified
/// FOLDER/NAME.part       what came so far; begins with a point in a folder that others look at
/// FOLDER/NAME.resume     where that can go on; the same
/// ```
struct TargetPlace: Sendable {
  enum Owner: Sendable {
    /// The folder is coppice's alone. A target may hold secrets.
    case coppice
    /// Somebody else has asked for it, and takes what is there by its name.
    case caller
  }

  /// It need not exist.
  let folder: String
  /// Without a slash, and not hidden.
  let name: String
  let owner: Owner

  var path: String { "\(folder)/\(name)" }
  var partName: String { prefix + name + TargetPlace.partSuffix }
  var recordName: String { prefix + name + TargetPlace.recordSuffix }
  var fileMode: UInt32 { owner == .coppice ? 0o600 : 0o644 }
  private var prefix: String { owner == .coppice ? "" : "." }

  static let partSuffix = ".part"
  static let recordSuffix = ".resume"

  /// Whether the content is there, every byte of it: it is hashed again.
  func contains(_ content: TargetContent) throws(Errno) -> Bool {
    guard let folder = try TargetPlace.open(folder),
      let status = try folder.statusIfPresent(of: name), status.type == .regular,
      status.sizeBytes == content.lengthBytes
    else { return false }
    let file = try folder.open(name, [.readOnly, .noFollow, .nonBlocking])
    var hash = ContentHash(content)
    let count = try hash.update(with: file, count: content.lengthBytes)
    return count == content.lengthBytes && hash.finish() == .holds
  }

  /// Nil if it is missing.
  static func open(_ folder: String) throws(Errno) -> FileDescriptor? {
    do throws(Errno) { return try FileDescriptor.openDirectory(folder) } catch {
      if error == .notFound { return nil }
      throw error
    }
  }

  /// Opens the folder, made if it is missing.
  func make() throws(Errno) -> FileDescriptor {
    if owner == .coppice { return try StateFolder.openPrivate(folder) }
    try FileDescriptor.openDirectory(".").makeDirectories(folder)
    return try FileDescriptor.openDirectory(folder)
  }
}

// SPDX-License-Identifier: Apache-2.0
import Linux

/// Real copies of parts of /etc: nothing in a deployment's /etc shares an inode with the repo.
///
/// Owners, modes and extended attributes are copied; names are bytes and need not be text. Devices,
/// fifos and sockets are left out. Links are never followed. Durable after `syncFileSystem()`.
enum EtcCopy {
  /// Which times a copied file gets.
  enum Times { case ofSource, now }

  /// Copies the file, link or directory `name` with all below it to `newName` in `target`, which
  /// must not be there. Gives false if it is of a kind that is left out.
  @discardableResult
  static func run(
    _ name: String, in source: borrowing FileDescriptor,
    to newName: String, in target: borrowing FileDescriptor, times: Times
  ) throws(Errno) -> Bool {
    switch try source.status(of: name).type {
    case .directory: try copyDirectory(name, source, newName, target, times)
    case .regular: try copyFile(name, source, newName, target, times)
    case .symbolicLink: try copyLink(name, source, newName, target)
    default: return false
    }
    return true
  }

  private static func copyDirectory(
    _ name: String, _ source: borrowing FileDescriptor,
    _ newName: String, _ target: borrowing FileDescriptor, _ times: Times
  ) throws(Errno) {
    let from = try source.openDirectory(name)
    // Closed to others until it has its own mode.
    try target.makeDirectory(newName, mode: 0o700)
    let to = try target.openDirectory(newName)
    for entry in try from.entries() {
      let isCopied = try EtcRace.bear(
        isThere: { () throws(Errno) in try from.contains(entry.name) },
        isNotFound: { $0 == .notFound },
        { () throws(Errno) in
          try to.removeTree(entry.name)  // What there was of one that went.
          try run(entry.name, in: from, to: entry.name, in: to, times: times)
        })
      if !isCopied { try to.removeTree(entry.name) }
    }
    try copyMetadata(from: from, to: to)
  }

  private static func copyFile(
    _ name: String, _ source: borrowing FileDescriptor,
    _ newName: String, _ target: borrowing FileDescriptor, _ times: Times
  ) throws(Errno) {
    let from = try source.open(name, [.readOnly, .noFollow])
    let to = try target.open(newName, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
    try from.copyContents(to: to)
    try copyMetadata(from: from, to: to)
    if times == .ofSource {
      let status = try from.status()
      try to.setTimes(
        seconds: status.modifiedSeconds, nanoseconds: status.modifiedNanoseconds)
    }
  }

  private static func copyLink(
    _ name: String, _ source: borrowing FileDescriptor,
    _ newName: String, _ target: borrowing FileDescriptor
  ) throws(Errno) {
    let status = try source.status(of: name)
    try target.symbolicLink(newName, to: try source.symbolicLinkTarget(of: name))
    try target.setOwner(uid: status.uid, gid: status.gid, of: newName)
    for attribute in try source.extendedAttributeNames(of: name) {
      guard let value = try source.extendedAttribute(attribute, of: name) else { continue }
      try target.setExtendedAttribute(attribute, value, of: newName)
    }
  }

  /// Owner first, since that clears set-user-id bits and capabilities.
  static func copyMetadata(
    from source: borrowing FileDescriptor, to target: borrowing FileDescriptor
  ) throws(Errno) {
    let status = try source.status()
    try target.setOwner(uid: status.uid, gid: status.gid)
    for name in try source.extendedAttributeNames() {
      guard let value = try source.extendedAttribute(name) else { continue }
      try target.setExtendedAttribute(name, value)
    }
    try target.setMode(status.permissions)
  }
}

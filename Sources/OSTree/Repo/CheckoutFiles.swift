// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// Puts the files and symbolic links of a checkout in their places.
struct CheckoutFiles: ~Copyable {
  private let repo: Repo
  private let options: CheckoutOptions
  private var hash = FileHash()
  /// The checkout lies on another file system than the repo: no need to try each time.
  private var isElsewhere = false
  /// Whether copies get no owner: asked for, or never stored.
  private let isUser: Bool
  private(set) var report = CheckoutReport()

  /// What libostree calls a whiteout that goes through OSTree as a file.
  private static let whiteoutPrefix = ".ostree-wh."

  init(_ repo: Repo, _ options: CheckoutOptions) {
    self.repo = repo
    self.options = options
    isUser = options.mode == .user || repo.mode == .bareUserOnly
  }

  /// Makes one file or symbolic link in `directory`, whose path is for messages.
  mutating func place(
    _ file: DirTree.File, in directory: borrowing FileDescriptor, path: String
  ) throws(OSTreeError) {
    let path = "\(path)/\(file.name)"
    if options.passesWhiteouts, file.name.hasPrefix(CheckoutFiles.whiteoutPrefix) {
      return try placeWhiteout(file, in: directory, path: path)
    }
    var repo = self.repo
    while try !place(file, from: repo.objects, in: directory, path: path) {
      guard let parent = repo.parent else { throw .missing(ObjectName(file.checksum, .file)) }
      repo = parent
    }
  }

  /// False if the object is not in `store`.
  private mutating func place(
    _ file: DirTree.File, from store: LooseObjects, in directory: borrowing FileDescriptor,
    path: String
  ) throws(OSTreeError) -> Bool {
    var isLinkable =
      store.isLinkable(options.mode) && (!isElsewhere || options.requiresHardLinks)
    if isLinkable, !options.verifies, store.mode == .bare {
      // The only kind of object that need not be opened.
      let name = ObjectName(file.checksum, .file)
      guard let status = try store.status(name) else { return false }
      if status.type != .regular || status.sizeBytes > 0 || !options.copiesEmptyFiles,
        try link(name, from: store, as: file.name, in: directory, path: path)
      {
        return true
      }
      isLinkable = false
    }
    guard let object = try store.openFile(file.checksum) else { return false }
    if isLinkable, isToBeLinked(object, store.mode) {
      if options.verifies { try verify(object) }
      if try link(object.name, from: store, as: file.name, in: directory, path: path) {
        return true
      }
    }
    try copy(object, as: file.name, in: directory, path: path)
    return true
  }
}

extension CheckoutFiles {
  private func isToBeLinked(_ object: borrowing FileObject, _ mode: RepoMode) -> Bool {
    let header = object.header
    if header.isRegular, object.sizeBytes == 0, options.copiesEmptyFiles { return false }
    // In a repo of a user a symbolic link is a file, or looks as its target does.
    return mode == .bare || header.isRegular && CheckoutFiles.isReadable(header.mode)
  }

  private static func isReadable(_ mode: UInt32) -> Bool { mode & 0o400 != 0 }

  private mutating func verify(_ object: borrowing FileObject) throws(OSTreeError) {
    let found = try object.contentChecksum(&hash)
    guard found == object.name.checksum else { throw .corrupt(object.name, found: found) }
  }

  /// False where a copy must do.
  private mutating func link(
    _ name: ObjectName, from store: LooseObjects, as file: String,
    in directory: borrowing FileDescriptor, path: String
  ) throws(OSTreeError) -> Bool {
    do throws(Errno) {
      try store.directory.link(store.loosePath(name), into: directory, as: file)
    } catch {
      switch error {
      case .tooManyLinks, .crossDevice, .notPermitted:
        if options.requiresHardLinks { throw .notLinkable(path: path, error) }
        if error == .crossDevice { isElsewhere = true }
        return false
      case .notFound: throw .missing(name)
      default: throw .file(path: path, error)
      }
    }
    report.linked += 1
    return true
  }
}

extension CheckoutFiles {
  private mutating func copy(
    _ object: borrowing FileObject, as file: String, in directory: borrowing FileDescriptor,
    path: String
  ) throws(OSTreeError) {
    if object.header.isSymlink {
      try copyLink(object, as: file, in: directory, path: path)
    } else {
      try copyRegular(object, as: file, in: directory, path: path)
    }
    report.copied += 1
  }

  private func copyLink(
    _ object: borrowing FileObject, as file: String, in directory: borrowing FileDescriptor,
    path: String
  ) throws(OSTreeError) {
    let header = object.header
    let found = SHA256.hash(header.contentStreamHeader())
    guard found == object.name.checksum else { throw .corrupt(object.name, found: found) }
    let isUser = isUser
    try naming(path) { () throws(Errno) in
      try directory.symbolicLink(file, to: header.symlinkTarget)
      if isUser { return }
      try directory.setOwner(uid: header.uid, gid: header.gid, of: file)
      for attribute in header.xattrs {
        try directory.setExtendedAttribute(attribute.name, attribute.value, of: file)
      }
    }
  }

  private mutating func copyRegular(
    _ object: borrowing FileObject, as file: String, in directory: borrowing FileDescriptor,
    path: String
  ) throws(OSTreeError) {
    let target = try naming(path) { () throws(Errno) in
      try directory.open(file, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
    }
    var sha256 = SHA256()
    sha256.update(object.header.contentStreamHeader())
    var written: UInt64 = 0
    try object.forEachPiece { (piece) throws(OSTreeError) in
      sha256.update(piece)
      try CheckoutFiles.write(piece, to: target, path: path)
      written += UInt64(piece.count)
    }
    report.copiedBytes += written
    let found = sha256.finish()
    guard found == object.name.checksum else { throw .corrupt(object.name, found: found) }
    try seal(target, object.header, path: path)
  }
}

extension CheckoutFiles {
  private static func write(
    _ piece: Span<UInt8>, to target: borrowing FileDescriptor, path: String
  ) throws(OSTreeError) {
    do throws(Errno) { try target.write(piece) } catch { throw .file(path: path, error) }
  }

  /// The owner first, since a change of owner takes set-user-id bits and capabilities away.
  private func seal(
    _ target: borrowing FileDescriptor, _ header: FileHeader, path: String
  ) throws(OSTreeError) {
    do throws(Errno) {
      if !isUser {
        try target.setOwner(uid: header.uid, gid: header.gid)
        for attribute in header.xattrs {
          try target.setExtendedAttribute(attribute.name, attribute.value)
        }
      }
      try target.setMode(isUser ? header.mode & ~0o6000 | 0o400 : header.mode)
      try target.setTimes(seconds: 0)
    } catch { throw .file(path: path, error) }
  }

  /// A file `.ostree-wh.NAME` stands for overlayfs's mark that `NAME` is deleted, with the file's
  /// owner, mode and attributes. ostree: `--process-passthrough-whiteouts`.
  private mutating func placeWhiteout(
    _ file: DirTree.File, in directory: borrowing FileDescriptor, path: String
  ) throws(OSTreeError) {
    let name = ObjectName(file.checksum, .file)
    let bytes = Array(file.name.utf8.dropFirst(CheckoutFiles.whiteoutPrefix.utf8.count))
    guard DirTree.isValidName(bytes), let device = String(validating: bytes, as: UTF8.self)
    else { throw .malformed(name, .name(file.name, at: 0)) }
    let header = try repo.openFile(file.checksum).header
    let isUser = isUser
    try naming(path) { () throws(Errno) in
      try directory.makeWhiteout(device, mode: header.mode)
      if !isUser {
        try directory.setOwner(uid: header.uid, gid: header.gid, of: device)
        for attribute in header.xattrs {
          try directory.setExtendedAttribute(attribute.name, attribute.value, of: device)
        }
      }
      try directory.setMode(header.mode, of: device)
    }
    report.copied += 1
  }
}

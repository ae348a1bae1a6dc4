// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree

extension OSTreeError: Reportable {
  var message: Message {
    switch self {
    case .notARepo(let path):
      Message(
        .usage, "not-a-repo", "'\(path)' is no OSTree repo",
        hint: "name one with '--repo' or '--sysroot'; 'coppice init-sysroot' makes one", path: path)
    case .unsupportedRepo(let path, let key, let found):
      Message(
        .failed, "unsupported-repo",
        "'\(path)' says '\(key)=\(found)', which coppice does not know",
        path: path)
    case .configuration(let path, let fault):
      Message(.usage, "bad-configuration", "'\(path)' \(fault.words)", path: path)
    case .file(let path, let errno): errno.message(path)
    case .keyFile(let path, let errno):
      Message(
        errno == .inputOutput ? .storage : .usage, "keys-unreadable",
        "cannot read the keys in '\(path)': \(errno.reason)",
        hint: "see the 'verification-ed25519-file' of the remote", path: path)
    case .exists(let path):
      Message(.failed, "exists", "'\(path)' is there already", path: path)
    case .missing(let name) where name.type == .commit:
      Message(
        .usage, "unknown-commit", "commit '\(name.checksum.hex)' is not in the repo",
        hint: "pull it first", path: name.path)
    case .missing(let name):
      Message(
        .refused, "object-missing", "object '\(name.path)' is not in the repo",
        hint: "pull the commit again; 'coppice fsck --repair' fetches what is missing",
        path: name.path)
    case .corrupt(let name, let found):
      Message(
        .refused, "object-corrupt",
        "object '\(name.path)' is damaged: its checksum is \(found.hex)", hint: repair,
        path: name.path)
    case .malformed(let name, let error):
      Message(
        .refused, "object-malformed", "object '\(name.path)' is malformed: \(error.words)",
        hint: repair, path: name.path)
    case .tooLarge(let name, let limit):
      Message(
        .refused, "object-too-large",
        "object '\(name.path)' is larger than the \(limit) bytes it may have", path: name.path)
    case .unrepresentable(let name, let mode):
      Message(
        .failed, "not-representable",
        "object '\(name.path)' of mode \(octal(mode)) cannot be stored in this mode of repo",
        hint: "a repo of mode 'bare' stores everything, for root", path: name.path)
    case .treeTooDeep(let name, let limit):
      Message(
        .refused, "tree-too-deep", "the tree of '\(name.path)' is deeper than \(limit) levels",
        path: name.path)
    case .treeTooLarge(let name, let limit):
      Message(
        .refused, "tree-too-large", "the tree of '\(name.path)' has more than \(limit) entries",
        path: name.path)
    case .notLinkable(let path, let errno):
      Message(
        .failed, "not-linkable", "cannot make hard links from '\(path)': \(errno.reason)",
        hint: "check out without '-H', which copies", path: path)
    case .busy(let path):
      Message(
        .busy, "busy", "another coppice or ostree holds the lock '\(path)'",
        hint: "try again when it is done", path: path)
    case .noSpace(let path, let needed, let free):
      Message.noSpace(path, neededBytes: needed, freeBytes: free)
    case .invalidRef(let text):
      Message(.usage, "bad-ref", "'\(text)' is no ref, refspec or checksum")
    case .unknownRef(let text):
      Message(
        .usage, "unknown-ref", "refspec '\(text)' not found",
        hint: "'coppice refs' lists those that are here")
    case .ambiguous(let text):
      Message(
        .usage, "ambiguous-ref", "'\(text)' fits more than one commit",
        hint: "give more digits of the checksum, or the remote before the ref")
    case .refConflict(let ref, let other):
      Message(
        .failed, "ref-conflict", "ref '\(ref)' cannot be where '\(other)' is",
        hint: "one name is the folder of the other: remove that ref, or name this one otherwise",
        path: other)
    case .noParent(let commit):
      Message(.usage, "no-parent", "commit '\(commit.hex)' has no parent")
    case .noSuchPath(let path):
      Message(.usage, "no-such-path", "no '\(path)' in the commit", path: path)
    case .invalidRemote(let name):
      Message(
        .usage, "bad-remote", "'\(name)' cannot be the name of a remote",
        hint: "letters, digits, '_', '-' and '.' can stand in it, the last two not at its front")
    case .unknownRemote(let name):
      Message(
        .usage, "unknown-remote", "remote '\(name)' not found",
        hint: "'coppice remote list' lists those that are here, 'coppice remote add' adds one")
    case .remoteExists(let name):
      Message(
        .failed, "remote-exists", "remote '\(name)' is there already",
        hint: "'coppice remote delete \(name)' removes it; a remote is in one file only")
    }
  }

  private var repair: String { "'coppice fsck --repair' fetches it again" }

  private func octal(_ mode: UInt32) -> String { "0\(String(mode, radix: 8))" }
}

extension Message {
  /// The medium does not have the room.
  static func noSpace(_ path: String, neededBytes: UInt64, freeBytes: UInt64) -> Message {
    Message(
      .space, "no-space",
      "not enough space on the file system of '\(path)': \(neededBytes) bytes needed, "
        + "\(freeBytes) bytes free",
      hint: "make room, for example with 'coppice prune', and run it again", path: path)
  }
}

extension ConfigurationFault {
  /// Behind the name of the file.
  var words: String {
    switch self {
    case .keyfile(let error): "cannot be read: \(error.words)"
    case .missing(let group, let key): "has no '\(key)' in '[\(group)]'"
    case .value(let group, let key, let found):
      "has the value '\(found)' for '\(key)' in '[\(group)]', which makes no sense"
    }
  }
}

extension FormatError {
  /// Behind the name of the object.
  var words: String {
    switch self {
    case .gvariant(let error): "no GVariant in normal form, \(error.words)"
    case .name(let name, _): "it names '\(name)', which no file can be called"
    case .unsorted(let name, _): "'\(name)' is out of order"
    case .duplicate(let name, _): "'\(name)' is in it twice"
    case .attributeName: "an extended attribute has no proper name"
    case .attributeOrder: "its extended attributes are out of order"
    case .mode(let mode): "it cannot have the mode 0\(String(mode, radix: 8))"
    case .device(let number): "it has the device number \(number)"
    case .symlinkTarget: "its symbolic link has no proper target"
    case .checksumLength(let count): "it has a checksum of \(count) bytes"
    case .header: "it has no proper header"
    case .tooLarge(let limit): "it is larger than \(limit) bytes"
    case .size: "its content is not as long as it says"
    case .trailing: "there are bytes behind its end"
    case .truncated: "it ends too early"
    case .deflate: "its content cannot be unpacked"
    case .emptyKey: "a key is empty"
    case .key(let key): "the value of '\(key)' makes no sense"
    case .delta: "it is for another commit, or of an unknown version"
    }
  }
}

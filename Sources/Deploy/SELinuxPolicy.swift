// SPDX-License-Identifier: Apache-2.0
import Linux

/// Whether an image wants its files labelled by SELinux, which coppice cannot do: without labels it
/// would not start, or would start unguarded.
enum SELinuxPolicy {
  private static let configBytesMax = 64 << 10

  /// Throws `selinuxUnsupported` if the tree's `selinux/config` says `enforcing` or `permissive`
  /// and its policy has file contexts. In letters of either case, as libselinux reads it.
  static func check(
    _ tree: borrowing FileDescriptor, path: String
  ) throws(DeployError) {
    for etc in ["usr/etc", "etc"] {
      let name = "\(etc)/selinux/config"
      let found = try at("\(path)/\(name)") { () throws(Errno) -> [UInt8]? in
        do throws(Errno) {
          return try tree.openInRoot(name).readAll(limit: configBytesMax)
        } catch {
          if error == .notFound || error == .notDirectory { return nil }
          throw error
        }
      }
      guard let text = found else { continue }
      let mode = value(of: "SELINUX", in: text).map { $0.utf8.map { $0 | 0x20 } }
      guard mode == Array("enforcing".utf8) || mode == Array("permissive".utf8) else { continue }
      let type = value(of: "SELINUXTYPE", in: text) ?? "targeted"
      let contexts = "\(etc)/selinux/\(type)/contexts/files/file_contexts"
      let isPolicy = try at("\(path)/\(contexts)") { () throws(Errno) in
        try tree.statusIfPresent(of: contexts) != nil
      }
      if isPolicy { throw .selinuxUnsupported(path: "\(path)/\(name)") }
    }
  }

  private static func value(of key: String, in text: [UInt8]) -> String? {
    var found: String?
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let trimmed = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      guard trimmed.starts(with: Array("\(key)=".utf8)) else { continue }
      let rest = trimmed.dropFirst(key.utf8.count + 1)
        .prefix { $0 > UInt8(ascii: " ") && $0 != UInt8(ascii: "#") }
      found = String(validating: rest, as: UTF8.self)
    }
    return found
  }
}

// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// The file by which an image says that coppice is in its initramfs: `usr/lib/coppice/initramfs`
/// has the SHA-256 of the initramfs in hexadecimal digits. A blank and more may follow, as in what
/// `sha256sum` writes. Another initramfs than the one that was marked does not fit.
enum FinalizerMarker {
  static let path = "usr/lib/coppice/initramfs"
  private static let bytesMax = 4 << 10

  /// `path` names the tree in errors. False without a marker, and with one of another.
  static func fits(
    _ layout: KernelLayout, in tree: borrowing FileDescriptor, path: String
  ) throws(DeployError) -> Bool {
    guard let expected = try read(tree, path), let name = layout.initramfs,
      let item = layout.items.first(where: { same($0.name, name) })
    else { return false }
    var sha256 = SHA256()
    var reader = FileHash()
    do throws(Errno) {
      _ = try reader.update(&sha256, with: try tree.openBeneath(item.source))
    } catch { throw .file(path: "\(path)/\(item.source)", error) }
    return sha256.finish() == expected
  }

  private static func read(
    _ tree: borrowing FileDescriptor, _ path: String
  ) throws(DeployError) -> Checksum? {
    let text = try at("\(path)/\(FinalizerMarker.path)") { () throws(Errno) -> [UInt8]? in
      do throws(Errno) {
        return try tree.openBeneath(FinalizerMarker.path).readAll(limit: bytesMax)
      } catch {
        switch error {
        case .notFound, .notDirectory, .tooManySymbolicLinks, .overflow: return nil
        default: throw error
        }
      }
    }
    guard let text, let digits = String(validating: text.prefix(64), as: UTF8.self) else {
      return nil
    }
    guard text.dropFirst(64).first.map({ $0 <= UInt8(ascii: " ") }) ?? true else { return nil }
    return Checksum(hex: digits)
  }
}

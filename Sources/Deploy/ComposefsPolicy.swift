// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// Whether an image demands a composefs image of itself as its root, which coppice does not make:
/// its initramfs would find none and stop.
enum ComposefsPolicy {
  private static let configName = "ostree/prepare-root.conf"
  private static let configBytesMax = 64 << 10
  private static let argumentKey = "ostree.prepare-root.composefs"

  /// Throws `composefsUnsupported` if the tree's `prepare-root.conf` or a kernel argument demands
  /// composefs. `maybe` demands nothing. ostree-prepare-root(1).
  static func check(
    _ tree: borrowing FileDescriptor, path: String, _ arguments: KernelArguments
  ) throws(DeployError) {
    if let value = arguments.value(of: argumentKey) {
      if isDemand(value) { throw .composefsUnsupported(path: path) }
      return
    }
    // The first one that is there counts alone.
    for folder in ["etc", "usr/etc", "usr/lib"] {
      let place = "\(path)/\(folder)/\(configName)"
      let found = try at(place) { () throws(Errno) -> [UInt8]? in
        do throws(Errno) {
          return try tree.openInRoot("\(folder)/\(configName)").readAll(limit: configBytesMax)
        } catch {
          if error == .notFound || error == .notDirectory { return nil }
          throw error
        }
      }
      guard let found else { continue }
      // What cannot be read here is for the initramfs to judge.
      guard let file = try? Keyfile(parsing: found) else { return }
      if isDemand(file.string("composefs", "enabled") ?? "no")
        || isDemand(file.string("root", "transient") ?? "no")
        || isDemand(file.string("root", "transient-ro") ?? "no")
      {
        throw .composefsUnsupported(path: place)
      }
      return
    }
  }

  private static func isDemand(_ value: String) -> Bool {
    switch value {
    case "yes", "true", "1", "signed", "verity": true
    default: false
    }
  }
}

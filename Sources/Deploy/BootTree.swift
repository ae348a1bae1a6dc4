// SPDX-License-Identifier: Apache-2.0
import Boot
import Cryptography
import Linux

/// The links by which an initramfs finds a deployment: `ostree/boot.B.M/OS/BOOTCSUM/S`.
///
/// M changes where only the deployments behind the links change and the boot entries stay. S counts
/// the deployments before this one with the same stateroot and kernel.
enum BootTree {
  /// `boot.B`.
  static func name(_ version: BootVersion) -> String { "boot.\(version.rawValue)" }

  /// `boot.B.M`.
  static func name(_ version: BootVersion, _ link: BootVersion) -> String {
    "boot.\(version.rawValue).\(link.rawValue)"
  }

  /// What a run that was cut may have left in the place of the next `boot.B`.
  static func temporaryName(_ version: BootVersion) -> String { "\(name(version)).tmp" }

  /// What `ostree=` says.
  struct Link {
    /// Relative to `SYSROOT/ostree`.
    let path: String
    let bootChecksum: Checksum

    init?(argument: String) {
      let parts = argument.utf8.split(
        separator: UInt8(ascii: "/"), omittingEmptySubsequences: false
      ).compactMap { String($0) }
      guard parts.count == 6, parts[0].utf8.isEmpty, same(parts[1], "ostree"),
        same(parts[2], "boot.0") || same(parts[2], "boot.1"), Stateroot.isName(parts[3]),
        let checksum = Checksum(hex: parts[4]), let serial = Int(parts[5]), serial >= 0
      else { return nil }
      path = "\(parts[2])/\(parts[3])/\(parts[4])/\(serial)"
      bootChecksum = checksum
    }
  }

  /// What a link says: `../../../deploy/OS/deploy/COMMIT.SERIAL`.
  struct Target {
    let stateroot: String
    let name: DeploymentName

    init?(_ text: String) {
      let parts = text.utf8.split(
        separator: UInt8(ascii: "/"), omittingEmptySubsequences: false
      ).compactMap { String($0) }
      guard parts.count == 7, parts[..<3].allSatisfy({ same($0, "..") }), same(parts[3], "deploy"),
        Stateroot.isName(parts[4]), same(parts[5], "deploy"), let name = DeploymentName(parts[6])
      else { return nil }
      stateroot = parts[4]
      self.name = name
    }
  }

  /// The number S of each deployment.
  static func serials(of deployments: [Deployment]) -> [Int] {
    deployments.indices.map { index in
      deployments[..<index].count { same($0.bootName, deployments[index].bootName) }
    }
  }

  /// The value of `ostree=` for a deployment.
  static func argument(_ deployment: Deployment, _ version: BootVersion, serial: Int) -> String {
    "/ostree/\(name(version))/\(deployment.stateroot)/\(deployment.bootChecksum.hex)/\(serial)"
  }
}

extension Sysroot {
  /// Makes `boot.B.M` anew with a link for each deployment. Must not be in force.
  /// Durable after `store.syncFileSystem()`.
  func writeBootTree(
    _ deployments: [Deployment], _ version: BootVersion, _ link: BootVersion
  ) throws(DeployError) {
    let name = BootTree.name(version, link)
    try at(place(name)) { () throws(Errno) in
      try store.removeTree(name)
      try store.makeDirectory(name)
      let tree = try store.openDirectory(name)
      for (deployment, serial) in zip(deployments, BootTree.serials(of: deployments)) {
        let folder = "\(deployment.stateroot)/\(deployment.bootChecksum.hex)"
        try tree.makeDirectories(folder)
        try tree.symbolicLink("\(folder)/\(serial)", to: "../../../\(deployment.folder)")
      }
    }
  }

  /// Points `boot.B` at `boot.B.M`, in one step. Durable after `store.sync()`, which libostree
  /// leaves out: there a cut right after success may bring the old deployments back.
  func pointBootTree(_ version: BootVersion, to link: BootVersion) throws(DeployError) {
    let name = BootTree.name(version)
    let temporary = BootTree.temporaryName(version)
    try at(place(name)) { () throws(Errno) in
      try store.unlinkIfPresent(temporary)
      try store.symbolicLink(temporary, to: BootTree.name(version, link))
      try store.rename(temporary, to: name)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Boot
import Deploy
import Linux
import OSTree

// What the doctor looks for in `/boot` and behind it.
extension Doctor {
  mutating func examineBoot(_ sysroot: Sysroot) throws(UpdaterError) {
    let path = sysroot.bootPath
    let ostree = try at("\(prefix)/ostree") { () throws(Errno) in
      try FileDescriptor.openDirectory("\(prefix)/ostree")
    }
    let (links, isRestored) = try inDeploy { () throws(DeployError) in
      do throws(BootError) {
        let boot = try BootDirectory(path, sysroot: ostree)
        let links = try boot.links()
        guard repairs, let current = links.current, links.next != current.other else {
          return (links, false)
        }
        return (links, try boot.restoreNextLink())
      } catch { throw .boot(error) }
    }
    guard let current = links.current else { return add(.boot, .ok, .nothingInBoot) }
    add(.boot, .ok, .bootLinks(current))
    if isRestored {
      add(.boot, .ok, .restoredNextLink(path: "\(path)/loader.next"))
    } else if links.next != current.other {
      add(.boot, .warn, .noNextLink(path: "\(path)/loader.next"))
    }
  }

  /// Each entry leads to a deployment; that deployment's tree, kernel and initramfs are there.
  mutating func examineDeployments(
    _ sysroot: Sysroot, _ now: SysrootState
  ) throws(UpdaterError) {
    if now.deployments.isEmpty { add(.deployments, .warn, .noDeployments) }
    var isSound = true
    for deployment in now.deployments {
      let tree = "\(prefix)/\(deployment.path)"
      if !exists(tree) {
        isSound = false
        add(.deployments, .fail, .missingTree(path: tree))
      }
      let files = [deployment.entry.kernel] + deployment.entry.initrds
      for file in files + (deployment.entry.deviceTree.map { [$0] } ?? []) {
        let place = "\(sysroot.bootPath)\(inBoot(file))"
        if exists(place) { continue }
        isSound = false
        add(.deployments, .fail, .missingKernel(path: place, deployment: deployment.name))
      }
    }
    if isSound, !now.deployments.isEmpty {
      add(.deployments, .ok, .deployments(count: now.deployments.count))
    }
    if let staged = now.staged {
      add(.deployments, .warn, .staged(name: staged.target.name))
    }
  }

  /// Paths of an entry begin at the root of the file system that holds `/boot`, or with `/boot`.
  private func inBoot(_ path: String) -> String {
    if path.utf8.starts(with: "/boot/".utf8) { return String(path.utf8.dropFirst(5)) ?? path }
    return path.utf8.first == UInt8(ascii: "/") ? path : "/\(path)"
  }

  private func exists(_ path: String) -> Bool { (try? FileDescriptor.status(of: path)) != nil }
}

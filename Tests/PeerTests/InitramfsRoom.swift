// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support

/// A mount namespace that looks like an initramfs which has mounted the physical root: `/` is in
/// memory, `/run` empty, and a file system with one deployment lies on `/sysroot`. Needs root.
final class InitramfsRoom {
  static let checksum = String(repeating: "a", count: 64)
  static let deployment = "ostree/deploy/os/deploy/\(checksum).0"
  static let link = "/ostree/boot.0/os/\(checksum)/0"

  /// What is on the physical root; tests change it before they go in.
  let folder: TemporaryDirectory
  /// The program of libostree.
  static let real = "/usr/lib/ostree/ostree-prepare-root"

  /// `repoConfig` goes behind the lines that every repo has.
  init(repoConfig: String = "") throws {
    folder = try TemporaryDirectory("initramfs")
    try mustRun(
      "sh", "-ec",
      """
      umask 022; mkdir -p image run etc; cd image
      mkdir -p ostree/repo ostree/deploy/os/var boot/loader.0
      for name in usr/etc etc var boot sysroot dev proc run sys usr/lib; do
        mkdir -p '\(Self.deployment)'/$name
      done
      ln -s loader.0 boot/loader; ln -s boot.0.0 ostree/boot.0
      mkdir -p 'ostree/boot.0.0/os/\(Self.checksum)'
      ln -s '../../../deploy/os/deploy/\(Self.checksum).0' '.\(Self.link)'
      echo mine >'\(Self.deployment)/etc/file'; echo default >'\(Self.deployment)/usr/etc/file'
      """, in: folder.path)
    try folder.write(
      "[core]\nrepo_version=1\nmode=bare\n\(repoConfig)", to: "image/ostree/repo/config")
    try folder.write("quiet ostree=\(Self.link) rw\n", to: "cmdline")
  }

  /// A deployment in which systemd and libostree's generator mount /var.
  func addGenerator() throws {
    try folder.write(
      "", to: "image/\(Self.deployment)/usr/lib/systemd/system-generators/ostree-system-generator")
  }

  /// Runs `script` inside; the physical root is mounted `options`: `rw` or `ro`.
  func run(_ script: String, options: String = "rw") throws -> ProgramResult {
    try folder.write(script, to: "script")
    try folder.write(
      """
      set -e
      cd "$1"
      truncate -s 16M disk; PATH=$PATH:/usr/sbin mke2fs -q -F -t ext4 -d image disk
      mkdir -p root; mount -t tmpfs -o mode=755 tmpfs root; cd root
      for path in /*; do
        name=${path#/}
        case $name in proc | run | sysroot | etc) continue ;; esac
        if [ -L "$path" ]; then
          cp -a "$path" .
        elif [ -d "$path" ]; then
          mkdir "$name"; mount --rbind "$path" "$name"
        fi
      done
      mkdir proc run sysroot etc old
      cp -a /etc/alternatives /etc/ld.so.* etc/; cp -a ../etc/. etc/
      mount -t proc proc proc; mount --bind ../cmdline proc/cmdline
      mount -t tmpfs -o mode=755 tmpfs run; cp -a ../run/. run/
      mount -o loop ../disk sysroot; mount -o "remount,$2" sysroot
      pivot_root . old; cd /; umount -l old; rmdir old
      set +e; . "$1/script"
      """, to: "enter")
    return try Support.run(
      "unshare", "-m", "--propagation", "private", "bash", folder.file("enter"), folder.path,
      options)
  }

  /// Runs `command` inside; then what is mounted below `/sysroot`, a line each: what of its file
  /// system, where, `rw` or `ro`, and the kind of the file system; and what is in `/run`.
  func mounts(after command: String, options: String = "rw") throws -> [String] {
    let result = try run(
      """
      \(command) >/dev/null || exit
      awk '$5 ~ "^/sysroot" {
        for (kind = 7; $kind != "-"; kind++) { }
        print $4, $5, substr($6, 1, 2), $(kind + 1)
      }' /proc/self/mountinfo
      find /run -mindepth 1 -printf 'run %P %y\\n'
      """, options: options)
    guard result.status == 0 else { throw ProgramError(description: result.description) }
    return result.lines.sorted()
  }
}

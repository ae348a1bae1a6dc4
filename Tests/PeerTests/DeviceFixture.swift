// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// A device's sysroot, and nginx that serves it three versions of a small operating system.
final class DeviceFixture {
  static let ref = "coppice/x86_64/main"
  static let refspec = "origin:\(ref)"
  /// The commits of versions 1.0, 2.0 and 3.0.
  static let versions = [
    "ed84cf1496a742031972edfb663cb74ddd508e265f11e86297fff6e6e6f134d6",
    "ed05f417b8cb3bdf51b911e6504fb519608c3d6ee9fcde8b80b5ddd52c49db9e",
    "f0c712a59a7319e6b7ec863887049dcc8cfa3cf8aea6f6eccdac3618099a44f5",
  ]

  let folder: TemporaryDirectory
  let web: WebServer
  private let server: String
  let path: String
  private var boot: LoopFileSystem?

  /// The sysroot is made by coppice or by `ostree`; its remote `origin` is the server. With
  /// `hasOwnBoot` its `/boot` is an ext4 of its own, which needs root.
  init(madeByOSTree: Bool = false, hasOwnBoot: Bool = false) throws {
    folder = try TemporaryDirectory("device")
    let golden = "\(PackagePaths.golden)/ostree/os-archive-repo.tar.gz"
    try mustRun("tar", "-xzf", golden, "-C", folder.path)
    server = folder.file("os-repo")
    // It names one version only, and the tests publish one after the other.
    try mustRun("rm", "-f", "\(server)/summary")
    web = try WebServer(server)
    path = folder.file("sysroot")
    if madeByOSTree {
      try mustRun("mkdir", path)
      try mustRun("ostree", "admin", "init-fs", path)
      try ostree("admin", "os-init", "coppice")
      try repo.ostree("remote", "add", "--no-gpg-verify", "origin", web.url)
    } else {
      try must("init-sysroot", "--stateroot", "coppice")
      try must("remote", "add", "--no-gpg-verify", "origin", web.url)
    }
    if hasOwnBoot { boot = try LoopFileSystem(Self.ext4, at: "\(path)/boot") }
    try publish(1)
  }

  static let ext4 = "mkfs.ext4 -q -F -m 0"
  static let canHaveOwnBoot = LoopFileSystem.isAvailable(ext4)

  var repo: PeerRepo { PeerRepo(existing: "\(path)/ostree/repo") }

  /// From now on the server's ref names this version.
  func publish(_ version: Int) throws {
    try Data("\(DeviceFixture.versions[version - 1])\n".utf8)
      .write(to: URL(fileURLWithPath: "\(server)/refs/heads/\(DeviceFixture.ref)"))
  }

  /// `coppice --sysroot …`, whatever comes of it.
  func coppice(_ words: String...) throws -> Coppice { try Coppice(command(words)) }

  func start(_ words: String...) throws -> RunningProgram { try Coppice.start(command(words)) }

  /// The same, and it must succeed.
  @discardableResult
  func must(_ words: String..., location: SourceLocation = #_sourceLocation) throws -> Coppice {
    let run = try Coppice(command(words))
    #expect(run.exit == 0, "\(run)", sourceLocation: location)
    return run
  }

  private func command(_ words: [String]) -> [String] { ["--sysroot", path] + words }

  /// Publishes, pulls and deploys by coppice.
  func upgrade(to version: Int, location: SourceLocation = #_sourceLocation) throws {
    try publish(version)
    try must("pull", "origin", DeviceFixture.ref, location: location)
    try must("deploy", DeviceFixture.refspec, location: location)
  }

  /// The same by the real `ostree`.
  func upgradeByOSTree(to version: Int) throws {
    try publish(version)
    try repo.ostree("pull", "origin", DeviceFixture.ref)
    try ostree("admin", "deploy", "--os=coppice", DeviceFixture.refspec)
  }

  @discardableResult
  func ostree(_ words: String...) throws -> String {
    let result = try run("ostree", arguments: words, environment: ["OSTREE_SYSROOT": path])
    guard result.status == 0 else { throw ProgramError(description: result.description) }
    return result.standardOutput.trimmingCharacters(in: .newlines)
  }

  /// What `ostree admin status` says, with the version in place of the commit: "3.0 pinned".
  func order() throws -> [String] {
    var order: [String] = []
    for line in try ostree("admin", "status").split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if words.first == "coppice" {
        let checksum = words[1].prefix(64)
        let number = DeviceFixture.versions.firstIndex { $0 == checksum }.map { $0 + 1 }
        order.append("\(number.map { "\($0)" } ?? String(checksum)).\(words[1].dropFirst(65))")
      } else if words == ["Pinned:", "yes"] {
        order[order.count - 1] += " pinned"
      }
    }
    return order
  }

  /// What the boot entries start, the default first: the `version` lines, highest number first.
  func bootOrder() throws -> [String] {
    let entries = try mustRun(
      "bash", "-c", "cat \"$1\"/boot/loader/entries/*.conf", "entries", path)
    var found: [(version: Int, title: String)] = []
    var title = ""
    for line in entries.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      if words[0] == "title" { title = words[1] }
      if words[0] == "version" { found.append((Int(words[1]) ?? 0, "")) }
      if words[0] == "title" || words[0] == "version", !found.isEmpty {
        found[found.count - 1].title = title
      }
    }
    return found.sorted { $0.version > $1.version }.map(\.title)
  }

  /// The tree of the deployment that boots by default, as seen below the sysroot.
  func deployment(_ version: Int, serial: Int = 0) -> String {
    "\(path)/ostree/deploy/coppice/deploy/\(DeviceFixture.versions[version - 1]).\(serial)"
  }

  /// Says what is wrong with what boots next: its kernel, initramfs and device trees must have the
  /// checksum that their folder is named for, and its tree the files of its commit.
  func defectsOfDefault() throws -> String {
    let result = try run(
      "bash", "-euc",
      """
      entry=$(ls "$1"/boot/loader/entries/ostree-*.conf | sort -V | tail -n 1)
      value() { sed -n "s/^$1 //p" "$entry"; }
      link=$(value options | grep -o 'ostree=[^ ]*'); link=${link#ostree=}
      tree=$(readlink -e "$1$link")
      { cat "$1/boot$(value linux)" "$1/boot$(value initrd)"
        [ -z "$(value fdtdir)" ] || find "$1/boot$(value fdtdir)" -type f -print0 \
          | LC_ALL=C sort -z | xargs -0 cat; } > "$2/kernel"
      found=$(sha256sum < "$2/kernel"); expected=$(cut -d/ -f5 <<< "$link")
      [ "${found%% *}" = "$expected" ] || echo "the kernel has ${found%% *}, not $expected"
      commit=$(basename "$tree"); commit=${commit%.*}
      [ -d "$2/$commit" ] || ostree checkout -U --repo="$3" "$commit" "$2/$commit"
      diff -r --no-dereference "$tree/usr" "$2/$commit/usr"
      [ -f "$tree/etc/default.conf" ] && [ -f "$tree.origin" ]
      """, "defects", path, folder.path, server)
    return result.status == 0 ? result.standardOutput : "\(result)"
  }

  /// Names in `/boot` and `ostree` that no deployment needs.
  func leftovers() throws -> [String] {
    try mustRun(
      "bash", "-euc",
      """
      cd "$1"; shopt -s nullglob
      find boot ostree -path ostree/repo/objects -prune -o -path '*/var' -prune -o \
        -name '*.tmp' -print -o -name '*.new' -print; ls -d ostree/lock 2> /dev/null || true
      version=$(readlink boot/loader); version=${version#loader.}
      echo boot/loader.$((1 - version))* ostree/boot.$((1 - version))*
      cd ostree; echo $(ls -d boot.$version.* | grep -vx "$(readlink boot.$version)" || true); cd ..
      for kernel in boot/ostree/*-*; do
        grep -q "/${kernel##*/}/" boot/loader/entries/*.conf || echo "$kernel"
      done
      for name in ostree/deploy/coppice/deploy/*; do
        name=${name%.origin}
        find -L ostree/boot.$version -maxdepth 3 -samefile "$name" | grep -q . \
          || echo "$name"
      done
      """, "leftovers", path
    ).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Deploy

/// The same commits deployed in the same order as in `sysroot-listing.txt` A, which ostree 2022.7
/// wrote, and compared with it.
@Suite struct GoldenSysrootTests {
  /// Section A: the listing, and the texts by file name.
  private struct Listing {
    var lines: [String] = []
    var texts: [String: String] = [:]

    init() throws {
      let golden = try String(
        contentsOfFile: "\(PackagePaths.golden)/ostree/sysroot-listing.txt", encoding: .utf8)
      let section = golden.components(separatedBy: "### ")[1]
      var name: String?
      for line in section.split(separator: "\n", omittingEmptySubsequences: false).dropFirst() {
        if line.hasPrefix("--- ") {
          name = String(line.dropFirst(4))
          texts[name!] = ""
        } else if let name {
          texts[name]! += "\(line)\n"
        } else {
          lines.append(String(line))
        }
      }
      // The section ends with a blank line that belongs to no file.
      if let name { texts[name] = String(texts[name]!.dropLast(2)) }
    }
  }

  /// What ostree's listing has and ours has not, and the other way round, with the reason.
  private let onlyTheirs: Set<String> = [
    // `init-fs` without `--modern`: mount points that a device does not need.
    "drwxr-xr-x 0:0 d dev", "drwxr-xr-x 0:0 d home", "drwxr-xr-x 0:0 d proc",
    "drwx------ 0:0 d root", "drwxr-xr-x 0:0 d run", "drwxr-xr-x 0:0 d sys",
    "drwxrwxrwt 0:0 d tmp",
    // ostree has looked whether to label /var; we do not label.
    "-rw-r--r-- 0:0 f ostree/deploy/coppice/var/.ostree-selabeled",
    // Left over from a ref that was removed; ours goes with it.
    "drwxr-xr-x 0:0 d ostree/repo/refs/heads/ostree/0",
    "drwxr-xr-x 0:0 d ostree/repo/refs/heads/ostree/0/1",
  ]
  private let onlyOurs: Set<String> = [
    "lrwxrwxrwx 0:0 l boot/loader.next -> loader.0"
  ]

  private func list(_ sysroot: TestSysroot) throws -> Set<String> {
    let text = try sysroot.shell(
      #"""
      find boot ostree -mindepth 0 \
        \( -path ostree/repo/objects -o -path 'ostree/deploy/*/deploy/*/*' -o -path ostree/lock \
           -o -path ostree/repo/coppice -o -path ostree/repo/refs/heads/keep \) -prune \
        -o \( -type l -printf '%M %U:%G l %p -> %l\n' \) \
        -o \( -type f -printf '%M %U:%G f %p\n' \) -o \( -type d -printf '%M %U:%G d %p\n' \)
      """#)
    return Set(text.split(separator: "\n").map(String.init))
  }

  @Test func `three deployments are on the disk as ostree has them`() throws {
    let sysroot = try TestSysroot()
    try sysroot.folder.write("", to: "sysroot/boot/loader.0/uEnv.txt")
    _ = try sysroot.shell("ln -s loader.0 boot/loader")
    let arguments = { (options: inout DeployOptions) in
      options.stateroot = "coppice"
      options.argumentChanges = [.append("foo=bar"), .replace("root=UUID=1")]
    }
    try sysroot.deploy(TestSysroot.two, arguments)
    let opened = try sysroot.open()
    try opened.setPinned(true, 0, try opened.lock())
    try sysroot.deploy(TestSysroot.three)
    try sysroot.deploy(TestSysroot.three)

    let golden = try Listing()
    #expect(golden.lines.count > 60)
    let (theirs, ours) = (Set(golden.lines), try list(sysroot))
    #expect(theirs.subtracting(ours).sorted() == onlyTheirs.sorted())
    #expect(ours.subtracting(theirs).sorted() == onlyOurs.sorted())
    for (name, text) in golden.texts {
      let found = try sysroot.read(name)
      // Ours restart when they panic; ostree's do not.
      #expect(
        found.replacingOccurrences(of: " \(EntryWriter.panicArgument)", with: "") == text, "\(name)"
      )
    }
    #expect(golden.texts.count == 10)
  }
}

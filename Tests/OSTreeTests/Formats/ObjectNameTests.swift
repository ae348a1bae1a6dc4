// SPDX-License-Identifier: Apache-2.0
import Cryptography
import OSTree
import Testing

@Suite struct ObjectNameTests {
  let checksum = Checksum(hex: "ab" + String(repeating: "0", count: 61) + "f")!

  @Test(arguments: [
    (ObjectType.file, false, "file"), (.file, true, "filez"), (.dirTree, true, "dirtree"),
    (.dirMeta, false, "dirmeta"), (.commit, true, "commit"), (.commitMeta, true, "commitmeta"),
    (.tombstoneCommit, false, "tombstone-commit"),
  ])
  func `an object lies in the folder of its first two digits`(
    type: ObjectType, archive: Bool, suffix: String
  ) {
    let rest = String(repeating: "0", count: 61) + "f"
    #expect(ObjectName(checksum, type).loosePath(archive: archive) == "ab/\(rest).\(suffix)")
  }

  @Test func `names in messages are those of a repo on a device`() {
    #expect(ObjectName(checksum, .file).path.hasSuffix("f.file"))
    #expect(ObjectName(checksum, .file).path.hasPrefix("objects/ab/"))
  }

  @Test(arguments: [
    ("archive", RepoMode.archive), ("archive-z2", .archive), ("bare", .bare),
    ("bare-user", .bareUser), ("bare-user-only", .bareUserOnly),
  ])
  func `the modes of repos are known by their names`(text: String, mode: RepoMode) {
    #expect(RepoMode(configValue: text) == mode)
    #expect(RepoMode(configValue: mode.configValue) == mode)
  }

  @Test(arguments: ["", "Bare", "bare-split-xattrs", "archive-z3"])
  func `other modes are not known`(text: String) {
    #expect(RepoMode(configValue: text) == nil)
  }
}

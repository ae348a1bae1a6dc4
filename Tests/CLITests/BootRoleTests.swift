// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import coppice

/// When the program starts a system, and when it does what its words say.
@Suite struct BootRoleTests {
  static let calls: [([String], Int?)] = [
    (["/init"], 1), (["/init", "single"], 1), (["/init", "status"], 1), (["/init", "--help"], 1),
    (["/usr/bin/coppice"], 1), (["coppice", "single"], 1), (["coppice", "boot"], 2),
    (["coppice", "boot", "single"], 2), ([], 1),
    // The first process of a container.
    (["coppice", "status"], nil), (["coppice", "--version"], nil), (["coppice", "pull", "x"], nil),
  ]

  @Test(arguments: calls)
  func `the first process starts the system unless it is told otherwise`(
    _ call: [String], _ expected: Int?
  ) {
    #expect(BootRole.ownWords(call, isFirstProcess: true) == expected)
    #expect(BootRole.ownWords(call, isFirstProcess: false) == nil)
  }

  @Test func `a name of the program can stand for a command`() {
    #expect(Coppice.words(["/sbin/init", "3"]) == ["boot"])
    #expect(
      Coppice.words(["/usr/lib/ostree/ostree-prepare-root", "/sysroot"])
        == ["prepare-root", "/sysroot"])
    #expect(Coppice.words(["coppice", "status"]) == ["status"])
    #expect(Coppice.words([]) == [])
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Deploy

/// The three trees of a merge, made by shell scripts: `o` the old defaults, `c` the current /etc,
/// `n` the new /etc.
private struct Trees {
  let folder: TemporaryDirectory

  /// `defaults` is run in `o` and copied to `c` and `n`, then `current` in `c` and `new` in `n`.
  init(defaults: String, current: String, new: String = "") throws {
    folder = try TemporaryDirectory("etc")
    try mustRun(
      "sh", "-ec",
      """
      umask 022
      mkdir o; (cd o; \(defaults)
      ); cp -a o c; cp -a o n
      (cd c; \(current)
      ); (cd n; \(new)
      )
      """, in: folder.path)
  }

  func merge() throws -> Result<EtcMerge, DeployError> {
    let o = try FileDescriptor.openDirectory(folder.file("o"))
    let c = try FileDescriptor.openDirectory(folder.file("c"))
    let n = try FileDescriptor.openDirectory(folder.file("n"))
    return Result { () throws(DeployError) in
      try EtcMerge.run(old: o, current: c, path: "c", into: n, newPath: "n")
    }
  }

  func diff(listsAll: Bool = false) throws -> EtcDiff {
    let o = try FileDescriptor.openDirectory(folder.file("o"))
    let c = try FileDescriptor.openDirectory(folder.file("c"))
    return try EtcDiff.between(o, c, path: "c", listsAll: listsAll)
  }

  func shell(_ script: String) throws -> String {
    try mustRun("sh", "-ec", script, in: folder.path)
  }

  /// What is in the new /etc, a line for each: mode, owner, path, and target or first word.
  func list() throws -> [String] {
    try shell(
      #"""
      cd n; find . -mindepth 1 | LC_ALL=C sort | while read -r p; do
      printf '%s %s' "$(stat -c '%a %u:%g' "$p")" "${p#./}"
      if [ -L "$p" ]; then printf ' -> %s' "$(readlink "$p")"
      elif [ -f "$p" ]; then printf ' = %s' "$(cat "$p")"; fi; echo; done
      """#
    ).split(separator: "\n").map(String.init)
  }
}

@Suite struct EtcDiffTests {
  @Test func `contents, modes, owners, targets and kinds count`() throws {
    let trees = try Trees(
      defaults: "for f in a b c d e f g; do echo 1 >$f; done; mkdir h i; ln -s x l; ln -s x m",
      current: """
        echo 2 >a; chmod 600 b; chown 1:2 c; rm d; ln -s x d; rm e; chmod 700 h; ln -sf y l
        mkdir new; echo 1 >new/file; rmdir i
        """)
    #expect(
      try trees.diff()
        == EtcDiff(
          modified: ["a", "b", "c", "d", "h", "l"], removed: ["e", "i"], added: ["new"]))
    #expect(try trees.diff(listsAll: true).added == ["new", "new/file"])
  }

  @Test func `times and attributes do not count`() throws {
    let trees = try Trees(
      defaults: "echo 1 >a; ln -s x l; mkdir d",
      current: "touch -d 2001-01-01 a d; touch -h -d 2001-01-01 l")
    try FileDescriptor.open(trees.folder.file("c/a"), .readWrite)
      .setExtendedAttribute(Array("user.x".utf8), [1])
    #expect(try trees.diff().isEmpty)
  }

  @Test func `a directory that was removed stands for all below it`() throws {
    let trees = try Trees(defaults: "mkdir -p a/b; echo 1 >a/b/c", current: "rm -r a")
    #expect(try trees.diff() == EtcDiff(modified: [], removed: ["a"], added: []))
  }

  @Test func `names that Unicode holds for the same are two files`() throws {
    let trees = try Trees(
      defaults: #"echo 1 >"$(printf 'e\314\201')""#,
      current: #"echo 1 >"$(printf '\303\251')"; rm "$(printf 'e\314\201')""#)
    let diff = try trees.diff()
    #expect(diff.removed.map { Array($0.utf8) } == [[0x65, 0xCC, 0x81]])
    #expect(diff.added.map { Array($0.utf8) } == [[0xC3, 0xA9]])
  }
}

@Suite struct EtcMergeTests {
  @Test func `what was changed wins, what was not takes the new default`() throws {
    let trees = try Trees(
      defaults: "for f in kept changed gone both; do echo 1 >$f; done; ln -s one link",
      current: "echo local >changed; rm gone; echo local >both; echo mine >added; ln -sfn two link",
      new: "for f in kept gone both; do echo 2 >$f; done; echo 2 >new; echo 2 >added")
    let merge = try trees.merge().get()
    #expect(merge.changes.modified == ["both", "changed", "link"])
    #expect(merge.changes.removed == ["gone"])
    #expect(merge.changes.added == ["added"])
    #expect(
      try trees.list() == [
        "644 0:0 added = mine", "644 0:0 both = local", "644 0:0 changed = local",
        "644 0:0 kept = 2", "777 0:0 link -> two", "644 0:0 new = 2",
      ])
  }

  @Test func `an added directory comes whole, with owners, modes, times and attributes`() throws {
    let trees = try Trees(
      defaults: "true",
      current: """
        mkdir -p d/e; echo 1 >d/e/f; chown 3:4 d/e/f; chmod 4755 d/e/f; chmod 2750 d; ln -s f d/e/l
        chown -h 5:6 d/e/l; touch -d @86400 d/e/f
        """)
    try FileDescriptor.open(trees.folder.file("c/d/e/f"), .readWrite)
      .setExtendedAttribute(Array("user.x".utf8), [7])
    _ = try trees.merge().get()
    #expect(
      try trees.list() == [
        "2750 0:0 d", "755 0:0 d/e", "4755 3:4 d/e/f = 1", "777 5:6 d/e/l -> f",
      ])
    let copy = try FileDescriptor.open(trees.folder.file("n/d/e/f"))
    #expect(try copy.extendedAttribute(Array("user.x".utf8)) == [7])
    #expect(try copy.status().modifiedSeconds == 86400)
  }

  @Test func `the directories above a changed file get what they have in the source`() throws {
    let trees = try Trees(
      defaults: "mkdir -p d/e; echo 1 >d/e/f", current: "echo 2 >d/e/f",
      new: "chmod 700 d; rm -r d/e")
    _ = try trees.merge().get()
    #expect(try trees.list() == ["755 0:0 d", "755 0:0 d/e", "644 0:0 d/e/f = 2"])
  }

  @Test func `a new mode of a directory is carried over, that of etc itself as well`() throws {
    let trees = try Trees(
      defaults: "mkdir d; echo 1 >d/f", current: "chmod 710 d; chown 0:9 d; chmod 751 .",
      new: "echo 2 >d/f")
    let merge = try trees.merge().get()
    #expect(merge.changes.modified == ["", "d"])
    #expect(try trees.list() == ["710 0:9 d", "644 0:0 d/f = 2"])
    #expect(try trees.shell("stat -c %a n") == "751")
  }

  @Test func `a changed file that is a directory by now cannot be merged`() throws {
    let trees = try Trees(
      defaults: "echo 1 >x", current: "echo 2 >x", new: "rm x; mkdir x")
    #expect(try trees.merge() == .failure(.etcNowDirectory(path: "x")))
  }

  @Test func `a changed file whose directory is a link by now cannot be merged`() throws {
    let trees = try Trees(
      defaults: "mkdir d; echo 1 >d/x; echo 1 >safe", current: "echo 2 >d/x",
      new: "rm -r d; ln -s . d")
    #expect(try trees.merge() == .failure(.etcNoLongerDirectory(path: "d")))
  }

  @Test func `removing follows no link of the new defaults`() throws {
    let trees = try Trees(
      defaults: "mkdir d; echo 1 >d/x", current: "rm d/x", new: "rm -r d; echo 2 >x; ln -s . d")
    _ = try trees.merge().get()
    #expect(try trees.list() == ["777 0:0 d -> .", "644 0:0 x = 2"])
  }

  @Test func `a directory that was replaced by a link stays replaced`() throws {
    let trees = try Trees(
      defaults: "mkdir d; echo 1 >d/x", current: "rm -r d; ln -s /srv/d d", new: "echo 2 >d/x")
    _ = try trees.merge().get()
    #expect(try trees.list() == ["777 0:0 d -> /srv/d"])
  }

  @Test func `a file that was replaced by a directory is one in the new etc`() throws {
    let trees = try Trees(
      defaults: "echo 1 >x", current: "rm x; mkdir x; echo 2 >x/y", new: "echo 3 >x")
    _ = try trees.merge().get()
    #expect(try trees.list() == ["755 0:0 x", "644 0:0 x/y = 2"])
  }

  @Test func `a directory that both added holds what both put there`() throws {
    let trees = try Trees(
      defaults: "true", current: "mkdir -p d/s; chmod 750 d; echo c >d/both; echo c >d/s/mine",
      new: "mkdir d; echo n >d/both; echo n >d/theirs")
    _ = try trees.merge().get()
    #expect(
      try trees.list() == [
        "750 0:0 d", "644 0:0 d/both = c", "755 0:0 d/s", "644 0:0 d/s/mine = c",
        "644 0:0 d/theirs = n",
      ])
  }

  @Test func `fifos are left out, also inside of an added directory`() throws {
    let trees = try Trees(
      defaults: "echo 1 >x", current: "mkfifo f; mkdir d; mkfifo d/f; echo 1 >d/g; rm x; mkfifo x",
      new: "echo 2 >x")
    let merge = try trees.merge().get()
    #expect(merge.leftOut == ["x", "f"])
    #expect(try trees.list() == ["755 0:0 d", "644 0:0 d/g = 1", "644 0:0 x = 2"])
  }

  @Test func `names need not be text`() throws {
    let trees = try Trees(
      defaults: "true", current: #"mkdir "$(printf 'd\377')"; echo 1 >"$(printf 'd\377/\376')""#)
    _ = try trees.merge().get()
    #expect(
      try trees.shell("cd n; find . -type f | od -An -c | tr -d ' \n'") == #"./d377/376\n"#)
  }

  /// A running system makes and removes files in /etc at any time.
  @Test func `files that come and go while they are merged are no error`() throws {
    let trees = try Trees(defaults: "echo 1 >x; echo 1 >y", current: "echo 2 >x")
    let churn = try RunningProgram(
      "bash",
      [
        "-c",
        """
        cd "$1"; while :; do
          for i in 1 2 3 4 5 6 7 8; do mkdir d$i; : >d$i/a; : >d$i/b; : >f$i; done
          rm -r d? f? y; : >y
        done
        """, "churn", trees.folder.file("c"),
      ])
    defer {
      churn.send(signal: SIGKILL)
      _ = try? churn.wait(seconds: 10)
    }
    for _ in 1...100 {
      _ = try trees.shell("rm -r n; cp -a o n")
      _ = try trees.merge().get()
      #expect(try trees.shell("cat n/x") == "2")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Objects that are not what their names say: the exit code, the words, and what stays as it was.
/// Every damage with every type in every corner is judged in PullTests; here is what a user sees.
@Suite struct HostileObjectPeerTests {
  @Test(arguments: Victim.allCases, Damage.allCases)
  func `a damaged object ends the pull, is named, and harms nothing`(
    victim: Victim, damage: Damage
  ) throws {
    let fixture = try PeerFixture("hostile")
    let repo = try fixture.repo("bare-user")
    let isShared = victim == .dirmeta
    // All versions have the same dirmetas: only an empty repo asks for them.
    if !isShared { try fixture.mustPull(into: repo, "os/old") }
    let before = try snapshot(repo)
    let object = try victim.object(in: fixture.server, try fixture.commit())
    try damage.apply(to: "\(fixture.server.path)/\(object)")

    let run = try fixture.pull(into: repo)
    let stored = object.replacing(".filez", with: ".file")
    #expect(run.exit == (damage == .missing ? 3 : 4), "\(run)")
    #expect(run.document.ok == false && run.document.exit == Int(run.exit))
    let error = try #require(run.error)
    #expect(error.url == "\(fixture.web.url)/\(object)")
    #expect(error.path == stored)
    #expect(error.message.contains(stored) && error.message.contains("/\(object)"))
    #expect(run.program.standardError.contains("coppice: error: \(error.message)\n"))
    let names =
      damage == .missing ? ["object-not-found"] : ["checksum-mismatch", "object-malformed"]
    #expect(names.contains(error.name))

    #expect(try snapshot(repo) == before, "the refs or commits of the repo have changed")
    #expect(try repo.ref("origin:os/main") == nil)
    try repo.fsck()
  }

  private func snapshot(_ repo: PeerRepo) throws -> [String] {
    try [
      repo.ostree("refs", "--list"),
      mustRun(
        "bash", "-c", "cd \"$1/objects\"; ls */*.commit 2>/dev/null || true", "ls", repo.path),
    ]
  }

  /// A name in a tree that no file can have, and how the tree comes to have it: by exchange of
  /// bytes in an honest dirtree, whose commit is then made anew.
  static let names: [(what: String, name: String)] = [
    ("parent", ".."), ("slash", "a/"), ("NUL", "a\\x00"), ("not UTF-8", "\\xff\\xff"),
  ]

  @Test(arguments: names)
  func `a tree with a name that no file can have is refused`(what: String, name: String) throws {
    let fixture = try PeerFixture("hostile", empty: true)
    let tree = try ForgedTree(fixture)
    let dirtree = try tree.publish(replacing: name)
    let repo = try fixture.repo("bare-user")
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 4, "\(run)")
    #expect(run.error?.name == "object-malformed")
    #expect(run.error?.path == "objects/\(dirtree.prefix(2))/\(dirtree.dropFirst(2)).dirtree")
    #expect(try repo.ref("origin:os/main") == nil)
    try repo.fsck()
  }

  @Test func `a tree whose 64 levels name the same child sixteen times neither hangs nor grows`()
    throws
  {
    let fixture = try PeerFixture("bomb", empty: true)
    let tree = try ForgedTree(fixture)
    try tree.publishBomb(levels: 64, children: 16)
    let repo = try fixture.repo("bare-user")
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 4, "\(run)")
    #expect(run.error?.name == "tree-too-large")
    #expect(try repo.ref("origin:os/main") == nil)
    try repo.fsck()
  }

  @Test func `a tree of a thousand levels is refused`() throws {
    let fixture = try PeerFixture("deep", empty: true)
    let tree = try ForgedTree(fixture)
    try tree.publishBomb(levels: 1000, children: 1)
    let repo = try fixture.repo("bare-user")
    let run = try fixture.pull(into: repo)
    #expect(run.exit == 4, "\(run)")
    #expect(run.error?.name == "tree-too-deep")
    try repo.fsck()
  }
}

/// Makes trees on the server that no honest tool makes: python writes the GVariants.
struct ForgedTree {
  private let fixture: PeerFixture

  init(_ fixture: PeerFixture) throws {
    self.fixture = fixture
    let tree = try fixture.folder.makeDirectory("forged")
    try mustRun("bash", "-c", "echo x > \"$1/a\"; chmod 644 \"$1/a\"", "file", tree)
    try fixture.server.commit(tree, to: "os/main", "--fsync=no")
  }

  /// A root dirtree with one file, named `name` with python's escapes; gives its checksum.
  func publish(replacing name: String) throws -> String {
    try forge("print(commit(dirtree([(b'\(name)', file)], [])))")
  }

  /// Each level names the next `children` times.
  func publishBomb(levels: Int, children: Int) throws {
    _ = try forge(
      """
      tree = dirtree([(b'a', file)], [])
      for level in range(\(levels)):
          tree = dirtree([], [(b'd%c' % (97 + n), tree) for n in range(\(children))])
      commit(tree)
      """)
  }

  func forge(_ script: String) throws -> String {
    try mustRun("python3", "-c", ForgedTree.library + "\n" + script, fixture.server.path)
  }

  /// GVariant's framing of values without alignment: a body, then the ends of the members.
  private static let library = """
    import glob, hashlib, itertools, os, sys
    server = sys.argv[1]
    head = bytes.fromhex(open(f'{server}/refs/heads/os/main').read().strip())

    def path(checksum, ending):
        return f'{server}/objects/{checksum.hex()[:2]}/{checksum.hex()[2:]}.{ending}'

    def store(body, ending):
        checksum = hashlib.sha256(body).digest()
        os.makedirs(os.path.dirname(path(checksum, ending)), exist_ok=True)
        open(path(checksum, ending), 'wb').write(body)
        return checksum

    def framed(body, ends):
        for width in (1, 2, 4):
            if len(body) + width * len(ends) < 1 << (8 * width):
                return body + b''.join(end.to_bytes(width, 'little') for end in ends)

    def array(items):
        return framed(b''.join(items), list(itertools.accumulate(map(len, items))))

    def members(*parts):
        ends = [sum(map(len, parts[:n + 1])) for n in range(len(parts) - 1)]
        return framed(b''.join(parts), ends[::-1])

    def named(name): return name + b'\\0'

    only = lambda ending: bytes.fromhex(
        ''.join(glob.glob(f'{server}/objects/*/*.{ending}')[0].split('/')[-2:]).split('.')[0])
    file, meta, old = only('filez'), only('dirmeta'), only('dirtree')

    def dirtree(files, folders):
        return store(
            members(
                array([members(named(name), checksum) for name, checksum in files]),
                array([members(named(name), tree, meta) for name, tree in folders])), 'dirtree')

    def commit(tree):
        body = open(path(head, 'commit'), 'rb').read()
        assert body.count(old) == 1
        checksum = store(body.replace(old, tree), 'commit')
        open(f'{server}/refs/heads/os/main', 'w').write(checksum.hex() + '\\n')
        return tree.hex()
    """
}

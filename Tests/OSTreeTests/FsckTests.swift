// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Foundation
import Linux
import Support
import Synchronization
import Testing

@testable import OSTree

@Suite struct FsckTests {
  static let addressed: [ObjectType] = [.commit, .dirTree, .dirMeta, .file]

  @Test(arguments: RepoMode.allCases)
  func `a repo of ostree's is sound`(_ mode: RepoMode) throws {
    let sample = try SampleRepo.sample(mode)
    try sample.commit("tree/d", as: "other")
    let report = try sample.open().fsck()
    #expect(report.problems == [])
    #expect(report.isSound)
    #expect(report.commits == 2)
    let names = try sample.objects(of: try sample.checksum("main"))
      .union(try sample.objects(of: try sample.checksum("other")))
    #expect(report.objects == UInt64(names.count))
    #expect(report.bytes > 0)
  }

  @Test(arguments: RepoMode.allCases, addressed)
  func `a changed byte is found wherever it is`(_ mode: RepoMode, _ type: ObjectType) throws {
    let sample = try SampleRepo.sample(mode)
    let name = try sample.anObject(type)
    let commit = try sample.checksum("main")
    try sample.damage(name)
    let repo = try sample.open()
    let report = try repo.fsck()
    #expect(!report.isSound)
    #expect(report.damaged == [name])
    #expect(report.unsoundCommits == [commit])
    // libostree marks for what is missing and for what it has removed, not for what is damaged.
    #expect(try !repo.isPartial(commit))
    #expect(try run("ostree", "--repo=\(sample.path)", "fsck").status != 0)
  }

  @Test(arguments: RepoMode.allCases, [ObjectType.dirTree, .dirMeta, .file])
  func `a missing object is found, and its commit is marked`(
    _ mode: RepoMode, _ type: ObjectType
  ) throws {
    let sample = try SampleRepo.sample(mode)
    let name = try sample.anObject(type)
    let commit = try sample.checksum("main")
    let theirs = try sample.copy()
    try sample.remove(name)
    try theirs.remove(name)
    let repo = try sample.open()
    let report = try repo.fsck()
    #expect(report.problems == [.missing(name, commit: commit)])
    #expect(report.unsoundCommits == [commit])
    #expect(try repo.isMarkedDamaged(commit))
    // libostree does not get to its marks where it cannot walk the tree.
    if type == .dirTree { return }
    _ = try run("ostree", "--repo=\(theirs.path)", "fsck", "-a")
    #expect(try sample.files("state") == theirs.files("state"))
    #expect(
      try sample.folder.read("repo/state/\(commit.hex).commitpartial")
        == theirs.folder.read("repo/state/\(commit.hex).commitpartial"))
  }

  @Test func `a commit that is whole again loses its mark`() throws {
    let sample = try SampleRepo.sample(.archive)
    let name = try sample.anObject(.file)
    let commit = try sample.checksum("main")
    let whole = try sample.copy()
    try sample.remove(name)
    let repo = try sample.open()
    #expect(try !repo.fsck().isSound)
    // The mark stays as long as the object is missing.
    #expect(try repo.fsck().problems == [.missing(name, commit: commit)])
    try mustRun("cp", "-a", whole.object(name), sample.object(name))
    #expect(try repo.fsck().isSound)
    #expect(try !repo.isPartial(commit))
  }

  @Test func `a commit that a pull left partial is no problem`() throws {
    let sample = try SampleRepo.sample(.archive)
    let name = try sample.anObject(.file)
    let commit = try sample.checksum("main")
    try sample.remove(name)
    let repo = try sample.open()
    try repo.markPartial(commit)
    let report = try repo.fsck()
    #expect(report.isSound)
    #expect(report.commits == 0)
    #expect(report.partialCommits == [commit])
    #expect(try !repo.isMarkedDamaged(commit))
  }

  @Test func `no mark is made where none is wanted`() throws {
    let sample = try SampleRepo.sample(.archive)
    let name = try sample.anObject(.file)
    try sample.remove(name)
    var options = FsckOptions()
    options.marksCommits = false
    #expect(try sample.open().fsck(options).problemCount == 1)
    #expect(try sample.files("state") == [])
  }

  @Test(arguments: FsckTests.addressed)
  func `what is damaged can be removed and put back`(_ type: ObjectType) throws {
    let sample = try SampleRepo.sample(.bareUser)
    let name = try sample.anObject(type)
    let commit = try sample.checksum("main")
    let whole = try sample.copy()
    try sample.damage(name)
    let repo = try sample.open()
    try repo.removeDamaged(try repo.fsck())
    #expect(!FileManager.default.fileExists(atPath: sample.object(name)))
    #expect(try repo.isMarkedDamaged(commit))
    // What a pull does with a marked commit, and then the mark is gone.
    try mustRun("cp", "-a", whole.object(name), sample.object(name))
    #expect(try repo.fsck().isSound)
    #expect(try !repo.isPartial(commit))
    try sample.ostree("fsck")
  }

  @Test func `what no commit needs is hashed as well`() throws {
    let sample = try SampleRepo.sample(.archive)
    let name = try sample.anObject(.file)
    try sample.ostree("refs", "--delete", "main")
    try sample.remove(try sample.anObjectOfNoRef(.commit))
    try sample.damage(name)
    let report = try sample.open().fsck()
    #expect(report.damaged == [name])
    #expect(report.commits == 0)
  }

  @Test func `refs that lead nowhere or elsewhere are found`() throws {
    let sample = try SampleRepo.sample(.archive)
    let commit = try sample.checksum("main")
    let nowhere = try #require(Checksum(hex: String(repeating: "ab", count: 32)))
    try sample.folder.write(nowhere.hex + "\n", to: "repo/refs/heads/nowhere")
    try sample.folder.write(commit.hex + "\n", to: "repo/refs/heads/deployed/1")
    try sample.folder.write(commit.hex + "\n", to: "repo/refs/remotes/there/main")
    try sample.folder.write(commit.hex + "\n", to: "repo/refs/remotes/there/testing")
    let report = try sample.open().fsck()
    let (dangling, foreign) = (
      try #require(Refspec("nowhere")), try #require(Refspec("there:testing"))
    )
    #expect(
      Set(report.problems) == [.danglingRef(dangling, nowhere), .foreignRef(foreign, commit)])
  }

  @Test func `one thread finds what several find, and says how far it is`() throws {
    let sample = try SampleRepo.sample(.archive)
    let last = Guarded(FsckProgress(objects: 0, bytes: 0, foldersDone: 0, folders: 0))
    let shared = Shared(last)
    var options = FsckOptions()
    options.jobs = 1
    options.dropsCache = true
    let one = try sample.open().fsck(options) { now in
      shared.value.withLock { $0 = now }
    }
    options.jobs = 8
    let eight = try sample.open().fsck(options)
    #expect(one.objects == eight.objects)
    #expect(one.bytes == eight.bytes)
    let progress = shared.value.withLock { $0 }
    #expect(progress.objects == one.objects)
    #expect(progress.foldersDone == progress.folders)
    #expect(progress.folders > 1)
  }

  @Test func `a limit of the rate holds`() throws {
    let sample = try SampleRepo.sample(.bareUser)
    let repo = try sample.open()
    let bytes = try repo.fsck().bytes
    var options = FsckOptions()
    options.limitRateBytesPerSecond = bytes * 4
    let start = Clock.monotonicNanoseconds
    _ = try repo.fsck(options)
    #expect(Clock.monotonicNanoseconds - start >= 240_000_000)
  }
}

extension SampleRepo {
  /// Some object that is there.
  func anObjectOfNoRef(_ type: ObjectType) throws -> ObjectName {
    let store = try open().objects
    let names = try store.folders().flatMap { try store.names(inFolder: $0) }
    return try #require(names.first { $0.type == type })
  }
}

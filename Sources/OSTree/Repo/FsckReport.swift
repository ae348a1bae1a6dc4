// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux

/// How to check a repo.
public struct FsckOptions: Sendable {
  /// Threads that hash; nil for one for each core.
  public var jobs: Int?
  /// Of all threads together.
  public var limitRateBytesPerSecond: UInt64?
  /// Read from the medium, not from the page cache.
  public var dropsCache = false
  /// Leave a mark on commits that lack objects, so that a pull completes them; take it from those
  /// that are found complete. Not done in a repo that cannot be written to.
  public var marksCommits = true

  public init() {}
}

/// Something that is not as it must be.
public enum FsckProblem: Hashable, Sendable {
  /// The bytes have another checksum than the name says.
  case damaged(ObjectName, found: Checksum)
  /// The bytes cannot be read as an object of that type.
  case malformed(ObjectName, FormatError)
  case tooLarge(ObjectName, limitBytes: UInt64)
  /// The medium does not give the bytes.
  case unreadable(ObjectName, Errno)
  /// The commit needs this object, and it is not there.
  case missing(ObjectName, commit: Checksum)
  /// The commit's tree has no end, or none that a file system could hold.
  case endless(ObjectName, commit: Checksum)
  /// The ref names a commit that is not there.
  case danglingRef(Refspec, Checksum)
  /// The ref was pulled, and the commit does not say that it belongs to it.
  case foreignRef(Refspec, Checksum)

  /// The object that is there and cannot be used, if it is one.
  public var damagedObject: ObjectName? {
    switch self {
    case .damaged(let name, _), .malformed(let name, _), .tooLarge(let name, _),
      .unreadable(let name, _):
      name
    case .missing, .endless, .danglingRef, .foreignRef: nil
    }
  }
}

/// What was found in a repo.
public struct FsckReport: Sendable {
  /// Commits whose trees were walked.
  public internal(set) var commits: UInt64 = 0
  /// Commits that a pull left without all of their objects, as it was told to. Not a problem.
  public internal(set) var partialCommits: [Checksum] = []
  /// Commits that lack objects or have damaged ones; also damaged commit objects themselves.
  public internal(set) var unsoundCommits: [Checksum] = []
  /// Objects that were hashed, and their bytes as they lie on the disk.
  public internal(set) var objects: UInt64 = 0
  public internal(set) var bytes: UInt64 = 0
  /// The first `problemsMax` of them.
  public internal(set) var problems: [FsckProblem] = []
  public internal(set) var problemCount: UInt64 = 0

  /// Whoever has more problems than this needs a new disk, not a longer list.
  public static let problemsMax = 4096

  public var isSound: Bool { problemCount == 0 }

  /// Objects that are there and cannot be used.
  public var damaged: [ObjectName] { problems.compactMap { $0.damagedObject } }

  mutating func add(_ problem: FsckProblem) {
    problemCount += 1
    if problems.count < FsckReport.problemsMax { problems.append(problem) }
  }
}

/// How far a check has come.
public struct FsckProgress: Sendable {
  public var objects: UInt64
  public var bytes: UInt64
  /// Of the folders of `objects/`, which are about equally full.
  public var foldersDone: Int
  public var folders: Int
}

// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import OSTree
import Pull

/// How fast a commit is pulled, what it costs, and what is the least that it could cost: each pull
/// runs in a process of its own, after a bare loop over the same objects.
struct PullSuite {
  private let meter: Meter
  private let scratch: Scratch
  private let child: BenchChild?
  private let remote: BenchRemote?
  private let isOneOfMany: Bool
  private var payload = Payload()

  init(_ meter: Meter, _ scratch: Scratch, _ options: BenchOptions) {
    self.meter = meter
    self.scratch = scratch
    child = options.child
    remote = options.remote
    isOneOfMany = options.suites.count > 1
  }

  mutating func run() throws(BenchError) {
    meter.expect(PullFigure.allCases.count)
    guard let child else {
      return meter.note(.leftOut(.pull, count: PullFigure.allCases.count))
    }
    if let remote {
      let commit = try fetch(remote)
      return try measure(child, PullJob(url: remote.url, commit: commit, isDirect: false))
    }
    let commit = try make()
    guard let server = try BenchServer("\(scratch.path)/\(PullSuite.source)", child, scratch) else {
      // Beside other suites it is no reason to lose their figures.
      guard isOneOfMany else { throw .child("serve") }
      return meter.note(.noServer)
    }
    try measure(child, PullJob(url: server.url, commit: commit, isDirect: true))
    server.stop()
  }

  private static let source = "source"
  private static let target = "target"
  private static let bare = "bare-target"
}

// What is pulled.
extension PullSuite {
  /// Objects of the commit that is made here: as many as there is time and room for.
  private static let sizes: [Int] = [4000, 1000, 250, 50]
  /// What one takes on the medium, in three places, its part of the folders included.
  private static let bytesPerObject: UInt64 = 64 << 10
  /// How long pulls and bare loops take, against making the repo.
  private static let costOfRuns: Int64 = 5

  /// A commit in an archive repo. Few objects are made first, to see how long they take.
  private mutating func make() throws(BenchError) -> Checksum {
    let few = PullSuite.sizes[PullSuite.sizes.count - 1]
    let limit = meter.shareNanoseconds * Int64(PullFigure.allCases.count)
    var commit = SHA256.hash([])
    let took = try Meter.nanoseconds { () throws(BenchError) in commit = try make(few) }
    for size in PullSuite.sizes where size > few {
      let factor = Int64(size / few)
      if UInt64(size) * PullSuite.bytesPerObject <= scratch.roomBytes,
        size * 4 <= scratch.filesMax,
        took * factor * PullSuite.costOfRuns <= limit
      {
        return try make(size)
      }
    }
    return commit
  }

  /// Sizes as an operating system has them: most are small, a few hold most of the bytes.
  private mutating func make(_ objects: Int) throws(BenchError) -> Checksum {
    let repo = try makeRepo(PullSuite.source, .archive)
    return try SampleTree(
      in: repo, files: objects, perFolder: 10, owner: scratch.status, &payload
    ) { payload in
      switch payload.number(below: 100) {
      case ..<70: 16 + payload.number(below: 4 << 10)
      case ..<97: payload.number(below: 32 << 10)
      default: payload.number(below: 256 << 10)
      }
    }.commit
  }

  /// What a server has, fetched once into an archive repo, from where the bare loop takes it.
  private func fetch(_ remote: BenchRemote) throws(BenchError) -> Checksum {
    let repo = try makeRepo(PullSuite.source, .archive)
    let result = try PullJob.run(repo, remote.url, remote.target, isDirect: false)
    guard let commit = result.commits.first else { throw .child("pull") }
    return commit
  }

  private func makeRepo(_ name: String, _ mode: RepoMode) throws(BenchError) -> Repo {
    try scratch.remove(name)
    let path = "\(scratch.path)/\(name)"
    return try inRepo { () throws(OSTreeError) in
      let repo = try Repo.create(path, mode: mode)
      try repo.addRemote(RemoteAddition(PullJob.remote, url: "http://127.0.0.1/"))
      return repo
    }
  }
}

// The measures.
extension PullSuite {
  private func measure(_ child: BenchChild, _ job: PullJob) throws(BenchError) {
    let source = "\(scratch.path)/\(PullSuite.source)"
    let bare = "\(scratch.path)/\(PullSuite.bare)"
    var objects: UInt64 = 0
    func run() throws(BenchError) -> [UInt64] {
      try scratch.makeFolder(PullSuite.bare)
      try scratch.sync()
      let least = try child.figures(.bare, [source, bare], scratch)
      try scratch.remove(PullSuite.bare)
      _ = try makeRepo(PullSuite.target, Process.isRoot ? .bare : .bareUser)
      try scratch.sync()
      let found = try child.figures(
        .pull, job.words("\(scratch.path)/\(PullSuite.target)"), scratch)
      guard let least, let found, let bare = Cost(least), let pull = Cost(found) else {
        throw BenchError.child("pull")
      }
      objects = pull.objects
      return PullFigure.values(pull, bare)
    }
    try meter.measure(PullFigure.names, run: run) {
      [
        .word("source", remote == nil ? "loopback" : "url"),
        .number("objects", Int(clamping: objects)),
      ]
    }
    try scratch.remove(PullSuite.source)
    try scratch.remove(PullSuite.target)
  }
}

/// What a process of its own found out about itself.
struct Cost {
  let objects: UInt64
  let bytes: UInt64
  let wallNanoseconds: UInt64
  /// User and system.
  let cpuNanoseconds: UInt64
  let peakBytes: UInt64

  init?(_ figures: [UInt64]) {
    guard figures.count == 5, figures.allSatisfy({ $0 > 0 }) else { return nil }
    objects = figures[0]
    bytes = figures[1]
    wallNanoseconds = figures[2]
    cpuNanoseconds = figures[3]
    peakBytes = figures[4]
  }

  /// Runs `body`, which gives objects and bytes; as figures for the parent.
  static func figures(
    _ body: () throws(BenchError) -> (objects: UInt64, bytes: UInt64)
  ) throws(BenchError) -> [UInt64] {
    let (began, before) = (Clock.monotonicNanoseconds, Process.usage)
    let done = try body()
    let (ended, after) = (Clock.monotonicNanoseconds, Process.usage)
    let cpu =
      after.userNanoseconds + after.systemNanoseconds - before.userNanoseconds
      - before.systemNanoseconds
    return [
      done.objects, done.bytes, UInt64(max(ended - began, 1)), UInt64(max(cpu, 1)),
      after.peakBytes,
    ]
  }
}

/// What is said of a pull.
enum PullFigure: String, CaseIterable {
  case objects, received
  case bareObjects = "bare-objects"
  case cpu
  case bareCPU = "bare-cpu"
  case ratio = "cpu-ratio"
  case memory = "peak-rss"

  static var names: [(name: String, unit: BenchUnit)] {
    allCases.map { ($0.rawValue, $0.unit) }
  }

  private var unit: BenchUnit {
    switch self {
    case .objects, .bareObjects: .objectsPerSecond
    case .received: .bytesPerSecond
    case .cpu, .bareCPU: .microseconds
    case .ratio: .percent
    case .memory: .bytes
    }
  }

  /// In the order of `names`.
  static func values(_ pull: Cost, _ bare: Cost) -> [UInt64] {
    allCases.map { figure in
      switch figure {
      case .objects:
        Meter.rate(pull.objects, nanoseconds: Int64(clamping: pull.wallNanoseconds))
      case .received:
        Meter.rate(pull.bytes, nanoseconds: Int64(clamping: pull.wallNanoseconds))
      case .bareObjects:
        Meter.rate(bare.objects, nanoseconds: Int64(clamping: bare.wallNanoseconds))
      case .cpu: pull.cpuNanoseconds / 1000
      case .bareCPU: bare.cpuNanoseconds / 1000
      case .ratio: pull.cpuNanoseconds / max(bare.cpuNanoseconds / 100, 1)
      case .memory: pull.peakBytes
      }
    }
  }
}

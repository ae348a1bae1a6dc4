// SPDX-License-Identifier: Apache-2.0
import Linux
import OSTree

/// How fast objects come into a repo: files created, synced one by one or all at once, renamed, and
/// the whole way of an object through staging.
struct StoreSuite {
  private let meter: Meter
  private let scratch: Scratch
  private let payload = Payload()
  private var nextObject = 0

  private static let sizes: [Int] = [1 << 10, 64 << 10, 1 << 20]
  private static let measuresPerSize = 6
  /// Enough to see what one costs.
  private static let objectsMin: UInt64 = 4
  private static let objectsMax: UInt64 = 1024
  private static let bytesMax: UInt64 = 64 << 20

  init(_ meter: Meter, _ scratch: Scratch) {
    self.meter = meter
    self.scratch = scratch
  }

  mutating func run() throws(BenchError) {
    meter.expect(StoreSuite.sizes.count * StoreSuite.measuresPerSize)
    for size in StoreSuite.sizes {
      try measureFiles(size)
      try measureObjects(size)
    }
  }
}

// Plain files.
extension StoreSuite {
  private static let folder = "files"
  private static let target = "renamed"

  private enum Sync { case none, each, all }

  private func measureFiles(_ size: Int) throws(BenchError) {
    let parameters = [BenchParameter.number("object_bytes", size)]
    for (name, sync) in [("create", Sync.none), ("create-fsync", .each), ("create-syncfs", .all)] {
      let count = try count(size, sync)
      try meter.measure(
        name, parameters, .objectsPerSecond, amount: UInt64(count),
        prepare: { () throws(BenchError) in try clear(syncs: sync != .none) },
        { () throws(BenchError) in try create(count, size, sync) })
    }
    let count = try count(size, .none)
    try meter.measure(
      "rename", parameters, .objectsPerSecond, amount: UInt64(count),
      prepare: { () throws(BenchError) in
        try clear(syncs: false)
        try create(count, size, .none)
      }, { () throws(BenchError) in try rename(count) })
    try scratch.remove(StoreSuite.folder)
    try scratch.remove(StoreSuite.target)
  }

  /// How many a run makes, by what a few take.
  private func count(_ size: Int, _ sync: Sync) throws(BenchError) -> Int {
    let few = StoreSuite.objectsMin
    if meter.isOverdue { return Int(few) }
    let overhead = try Meter.nanoseconds { () throws(BenchError) in
      try clear(syncs: sync != .none)
    }
    let took = try Meter.nanoseconds { () throws(BenchError) in
      try create(Int(few), size, sync)
    }
    return limit(meter.amount(few, took: took, overhead: overhead), size)
  }

  private func limit(_ count: UInt64, _ size: Int) -> Int {
    let room = min(StoreSuite.bytesMax, scratch.roomBytes / 2) / UInt64(size)
    let wanted = min(count, StoreSuite.objectsMax, room, UInt64(scratch.filesMax))
    return Int(max(wanted, StoreSuite.objectsMin))
  }

  /// Empty folders, and, where that would be waited for, nothing that waits to be written.
  private func clear(syncs: Bool) throws(BenchError) {
    try scratch.makeFolder(StoreSuite.folder)
    try scratch.makeFolder(StoreSuite.target)
    if syncs { try scratch.sync() }
  }

  private func create(_ count: Int, _ size: Int, _ sync: Sync) throws(BenchError) {
    let bytes = payload.piece
    try at("\(scratch.path)/\(StoreSuite.folder)") { () throws(Errno) in
      let folder = try scratch.directory.openDirectory(StoreSuite.folder)
      for index in 0..<count {
        let file = try folder.open("\(index)", [.writeOnly, .create, .exclusive], mode: 0o644)
        try file.write(bytes.span.extracting(0..<size))
        if sync == .each { try file.sync() }
      }
      if sync == .all { try folder.syncFileSystem() }
    }
  }

  private func rename(_ count: Int) throws(BenchError) {
    try at("\(scratch.path)/\(StoreSuite.target)") { () throws(Errno) in
      let folder = try scratch.directory.openDirectory(StoreSuite.folder)
      let target = try scratch.directory.openDirectory(StoreSuite.target)
      for index in 0..<count {
        try folder.rename("\(index)", into: target, as: "\(index)", replacing: false)
      }
    }
  }
}

// Objects of a repo.
extension StoreSuite {
  private static let repo = "repo"

  private mutating func measureObjects(_ size: Int) throws(BenchError) {
    let path = "\(scratch.path)/\(StoreSuite.repo)"
    let repo = try inRepo { () throws(OSTreeError) in try Repo.create(path, mode: .bare) }
    let lock = try inRepo { () throws(OSTreeError) in try repo.lock(.shared) }
    try measureObjects("stage", size, repo, publishes: false)
    try measureObjects("publish", size, repo, publishes: true)
    _ = consume lock
    try scratch.remove(StoreSuite.repo)
  }

  private mutating func measureObjects(
    _ name: String, _ size: Int, _ repo: Repo, publishes: Bool
  ) throws(BenchError) {
    var objects = makeObjects(Int(StoreSuite.objectsMin), size)
    let overhead = try Meter.nanoseconds { () throws(BenchError) in
      try clearRepo(syncs: publishes)
    }
    let took = try Meter.nanoseconds { () throws(BenchError) in
      try StoreSuite.store(objects, repo, publishes: publishes)
    }
    let count = limit(meter.amount(StoreSuite.objectsMin, took: took, overhead: overhead), size)
    try meter.measure(
      name, [.number("object_bytes", size)], .objectsPerSecond, amount: UInt64(count),
      prepare: { () throws(BenchError) in
        try clearRepo(syncs: publishes)
        objects = makeObjects(count, size)
      },
      { () throws(BenchError) in
        try StoreSuite.store(objects, repo, publishes: publishes)
      })
  }

  /// No objects, published or staged; as `clear`.
  private func clearRepo(syncs: Bool) throws(BenchError) {
    try scratch.remove("\(StoreSuite.repo)/coppice")
    try at("\(scratch.path)/\(StoreSuite.repo)/objects") { () throws(Errno) in
      let objects = try scratch.directory.open(
        "\(StoreSuite.repo)/objects", [.readOnly, .directory])
      for folder in try objects.entries() { try objects.removeTree(folder.name) }
    }
    if syncs { try scratch.sync() }
  }

  private mutating func makeObjects(_ count: Int, _ size: Int) -> [SampleObject] {
    var objects: [SampleObject] = []
    for _ in 0..<count {
      nextObject += 1
      objects.append(
        SampleObject(number: nextObject, payload.piece, 0..<size, owner: scratch.status))
    }
    return objects
  }

  /// Without `publishes` they stay in staging.
  private static func store(
    _ objects: [SampleObject], _ repo: Repo, publishes: Bool
  ) throws(BenchError) {
    try inRepo { () throws(OSTreeError) in
      let staging = try repo.stage()
      for object in objects { try object.store(in: staging) }
      if publishes { _ = try staging.publish(readBack: .none) }
    }
  }
}

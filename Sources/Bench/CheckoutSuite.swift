// SPDX-License-Identifier: Apache-2.0
import Linux
import OSTree

/// How fast trees are made of what is in a repo: hard links by one and by many threads, folders,
/// and whole checkouts.
struct CheckoutSuite {
  private let meter: Meter
  private let scratch: Scratch
  private var payload = Payload()
  private let cores = Thread.cores

  private static let repo = "repo"
  private static let source = "source"
  private static let target = "target"
  private static let sourceFiles = 256
  private static let filesMax: UInt64 = 16384
  private static let filesMin: UInt64 = 64
  /// Like the folders of an operating system.
  private static let filesPerFolder = 10

  init(_ meter: Meter, _ scratch: Scratch) {
    self.meter = meter
    self.scratch = scratch
  }

  mutating func run() throws(BenchError) {
    let threadCounts = HashMeasure.threadCounts(cores)
    meter.expect(threadCounts.count + 2)
    try makeSource()
    for threads in threadCounts { try measureLinks(threads) }
    try measureFolders()
    try measureCheckout()
    try scratch.remove(CheckoutSuite.source)
    try scratch.remove(CheckoutSuite.target)
    try scratch.remove(CheckoutSuite.repo)
  }

  private mutating func makeSource() throws(BenchError) {
    try scratch.makeFolder(CheckoutSuite.source)
    for index in 0..<CheckoutSuite.sourceFiles {
      try scratch.makeFile("\(CheckoutSuite.source)/\(index)", bytes: 1, &payload)
    }
    try scratch.sync()
  }

  private func count(
    _ body: (Int) throws(BenchError) -> Void
  ) throws(BenchError) -> Int {
    let few = CheckoutSuite.filesMin
    if meter.isOverdue { return Int(few) }
    try clear()
    try scratch.sync()
    let took = try Meter.nanoseconds { () throws(BenchError) in try body(Int(few)) }
    // What is made is removed again, which takes as long.
    let most = min(
      meter.amount(few, took: 2 * took), CheckoutSuite.filesMax, UInt64(scratch.filesMax))
    return Int(max(few, most))
  }

  private func clear() throws(BenchError) {
    try scratch.makeFolder(CheckoutSuite.target)
  }

  private func measureLinks(_ threads: Int) throws(BenchError) {
    let scratch = self.scratch
    let count = try count { (count) throws(BenchError) in
      try LinkWork.run(scratch, CheckoutSuite.source, CheckoutSuite.target, count, threads)
    }
    try meter.measure(
      "link", [.number("threads", threads)], .objectsPerSecond,
      amount: UInt64(count / threads * threads),
      prepare: { () throws(BenchError) in try clear() },
      { () throws(BenchError) in
        try LinkWork.run(scratch, CheckoutSuite.source, CheckoutSuite.target, count, threads)
      })
  }

  private func measureFolders() throws(BenchError) {
    let count = try count { (count) throws(BenchError) in try makeFolders(count) }
    try meter.measure(
      "mkdir", [], .objectsPerSecond, amount: UInt64(count),
      prepare: { () throws(BenchError) in try clear() },
      { () throws(BenchError) in try makeFolders(count) })
  }

  private func makeFolders(_ count: Int) throws(BenchError) {
    try at("\(scratch.path)/\(CheckoutSuite.target)") { () throws(Errno) in
      let target = try scratch.directory.openDirectory(CheckoutSuite.target)
      for index in 0..<count { try target.makeDirectory("\(index)") }
    }
  }

  /// A bare repo, as devices have: files are hard links, folders are made.
  private mutating func measureCheckout() throws(BenchError) {
    let path = "\(scratch.path)/\(CheckoutSuite.repo)"
    // Nothing here needs to survive a power cut.
    let repo = try inRepo { () throws(OSTreeError) in
      try Repo.create(path, mode: .bare, settings: [("fsync", "false")])
    }
    let files = min(2000, scratch.filesMax / 2)
    let tree = try SampleTree(
      in: repo, files: files, perFolder: CheckoutSuite.filesPerFolder, owner: scratch.status,
      &payload
    ) { _ in SampleObject.bytesMin }
    var options = CheckoutOptions()
    options.requiresHardLinks = true
    let target = "\(scratch.path)/\(CheckoutSuite.target)"
    try meter.measure(
      "checkout", [.number("files", files), .number("folders", tree.folders)], .objectsPerSecond,
      amount: UInt64(files + tree.folders),
      prepare: { () throws(BenchError) in try clear() },
      { () throws(BenchError) in
        let folder = try at(target) { () throws(Errno) in
          try FileDescriptor.openDirectory(target)
        }
        try inRepo { () throws(OSTreeError) in
          _ = try repo.checkout(tree.commit, at: folder, name: "tree", options: options)
        }
      })
  }
}

/// Hard links to the same files, by each thread in a folder of its own.
private enum LinkWork {
  /// More would make a folder that is larger than those of an operating system.
  private static let linksPerFolder = 128

  static func run(
    _ scratch: Scratch, _ source: String, _ target: String, _ count: Int, _ threads: Int
  ) throws(BenchError) {
    let failure = Shared(Guarded<BenchError?>(nil))
    Thread.fanOut(threads) { thread in
      do throws(Errno) {
        let from = try scratch.directory.openDirectory(source)
        let sources = try from.entries()
        var folder = try scratch.directory.openDirectory(target)
        for index in 0..<count / threads {
          if index % linksPerFolder == 0 {
            let name = "\(target)/\(thread)-\(index)"
            try scratch.directory.makeDirectory(name)
            folder = try scratch.directory.openDirectory(name)
          }
          try from.link(sources[index % sources.count].name, into: folder, as: "\(index)")
        }
      } catch {
        let found = BenchError.file(path: "\(scratch.path)/\(target)", error)
        failure.value.withLock { $0 = $0 ?? found }
      }
    }
    if let found = failure.value.withLock({ $0 }) { throw found }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Linux

/// How fast files are hashed, by every way to bring their bytes to OpenSSL, and how fast OpenSSL
/// is by itself. Ends with advice.
struct HashSuite {
  private let meter: Meter
  private let scratch: Scratch
  private let child: BenchChild?
  private let cores = Thread.cores
  private var payload = Payload()
  private var bulkBytes: Int64 = 0
  private var medians: [(measure: HashMeasure, rate: UInt64)] = []

  static let bulkBytesMax: Int64 = 64 << 20
  /// Smaller ones would measure how a file is opened.
  private static let bulkBytesMin: Int64 = 2 << 20
  /// Of the memory that is free, the files may take one part in so many: they must stay in it.
  private static let memoryShare: UInt64 = 4
  private static let filesMax: Int64 = 512
  /// Parts of a file begin at multiples of it: pages have at most 64 KiB.
  private static let alignment: Int64 = 64 << 10

  init(_ meter: Meter, _ scratch: Scratch, _ child: BenchChild?) {
    self.meter = meter
    self.scratch = scratch
    self.child = child
    BusError.install()
  }

  mutating func run(machine: Machine) throws(BenchError) -> HashAdvice {
    // As many as there will be, so that the large file gets its size.
    meter.expect(64 + HashMeasure.threadCounts(cores).count)
    let speed = HashKernel.estimate()
    chooseBulk(speed, machine)
    try makeBulk()
    let cold = try coldBytes()
    let sizes = HashMeasure.sizes.filter { $0 <= bulkBytes }
    let hot = HashMeasure.hot(bytes: bulkBytes, cores: cores)
    let frozen = cold.map { HashMeasure.cold(bytes: $0, cores: cores) } ?? []
    var expected = hot.count + frozen.count + kernels.count + 2
    for size in sizes { expected += HashMeasure.sized(size, cores: cores).count }
    meter.expect(expected)

    try measureMemory(speed)
    for measure in hot { try run(measure, bulkBytes) }
    for measure in frozen { try run(measure, cold ?? 0) }
    try scratch.remove(HashSuite.bulk)
    for size in sizes { try run(size: size) }
    return HashAdvice(medians)
  }

  private static let bulk = "bulk"
  private static let folder = "sized"

  private var kernels: [HashKernel.Instructions] {
    child == nil ? [] : HashKernel.Instructions.allCases
  }
}

// The files.
extension HashSuite {
  /// A power of two such that a run takes its part of the time, and that disk and memory can hold.
  private mutating func chooseBulk(_ speed: UInt64, _ machine: Machine) {
    let byTime = Int64(clamping: meter.amount(speed, took: 1_000_000_000))
    let byRoom = Int64(clamping: scratch.roomBytes / 2)
    let byMemory = Int64(clamping: machine.availableBytes / HashSuite.memoryShare)
    let limit = min(byTime, byRoom, byMemory)
    bulkBytes = HashSuite.bulkBytesMin
    while bulkBytes < HashSuite.bulkBytesMax, bulkBytes * 2 <= limit { bulkBytes *= 2 }
    guard bulkBytes < HashSuite.bulkBytesMax else { return }
    let reason: BenchLimit = limit == byRoom ? .space : limit == byMemory ? .memory : .time
    meter.note(.smallerFiles(bytes: UInt64(bulkBytes), because: reason))
  }

  /// On the medium, and in memory.
  private mutating func makeBulk() throws(BenchError) {
    try scratch.makeFile(HashSuite.bulk, bytes: bulkBytes, &payload, syncs: true)
    try warm([HashPart(name: HashSuite.bulk, offset: 0, count: bulkBytes)])
  }

  /// Reads what shall be in memory.
  private func warm(_ parts: [HashPart]) throws(BenchError) {
    try HashWork.run(
      scratch, parts, HashMethod(way: .read(bufferBytes: 256 << 10)), threads: 1)
  }

  /// How much of the file a run with a cold cache can read; nil if the cache does not forget.
  private func coldBytes() throws(BenchError) -> Int64? {
    let file = try at("\(scratch.path)/\(HashSuite.bulk)") { () throws(Errno) in
      try scratch.directory.open(HashSuite.bulk)
    }
    file.dropCache()
    guard try residentBytes(file) <= bulkBytes / 10 else {
      meter.note(.cacheNotDropped)
      return nil
    }
    let part = HashPart(name: HashSuite.bulk, offset: 0, count: HashSuite.bulkBytesMin)
    let took = try Meter.nanoseconds { () throws(BenchError) in try warm([part]) }
    let amount = Int64(clamping: meter.amount(UInt64(part.count), took: took))
    let aligned = amount - amount % HashSuite.alignment
    try warm([HashPart(name: HashSuite.bulk, offset: 0, count: bulkBytes)])
    return min(bulkBytes, max(aligned, HashSuite.bulkBytesMin))
  }

  private func residentBytes(_ file: borrowing FileDescriptor) throws(BenchError) -> Int64 {
    try at("\(scratch.path)/\(HashSuite.bulk)") { () throws(Errno) in
      try Mapping.residentBytes(of: file, count: Int(bulkBytes))
    }
  }

  /// The front of the large file, a part for each thread.
  private func parts(of bytes: Int64, threads: Int) -> [HashPart] {
    let step = max(
      HashSuite.alignment, bytes / Int64(threads) / HashSuite.alignment * HashSuite.alignment)
    var parts: [HashPart] = []
    var offset: Int64 = 0
    while offset < bytes {
      let isLast = parts.count == threads - 1
      let count = isLast ? bytes - offset : min(step, bytes - offset)
      parts.append(HashPart(name: HashSuite.bulk, offset: offset, count: count))
      offset += count
    }
    return parts
  }
}

// The measures.
extension HashSuite {
  private func measureMemory(_ speed: UInt64) throws(BenchError) {
    for threads in cores > 1 ? [1, cores] : [1] {
      let bytes = meter.amount(speed * UInt64(threads), took: 1_000_000_000)
      try meter.measure(
        "memory", [.number("threads", threads)], .bytesPerSecond,
        amount: HashKernel.amount(bytes: bytes, threads: threads)
      ) { () throws(BenchError) in HashKernel.hash(bytes: bytes, threads: threads) }
    }
    guard let child else { return }
    for instructions in kernels {
      let share = meter.shareNanoseconds
      let parameters = [BenchParameter.word("instructions", instructions.rawValue)]
      let found = try meter.take("kernel", parameters, .bytesPerSecond) {
        () throws(BenchError) -> [UInt64] in
        try HashKernel.measure(instructions, scratch, child, nanoseconds: share)
      }
      if found == nil { meter.note(.noKernels) }
    }
  }

  private mutating func run(_ measure: HashMeasure, _ bytes: Int64) throws(BenchError) {
    try run(measure, parts(of: bytes, threads: measure.threads), UInt64(bytes))
  }

  private mutating func run(size: Int64) throws(BenchError) {
    let count = max(
      1, min(bulkBytes / size, HashSuite.filesMax, Int64(scratch.filesMax)))
    try scratch.makeFolder(HashSuite.folder)
    var parts: [HashPart] = []
    for index in 0..<count {
      let name = "\(HashSuite.folder)/\(index)"
      try scratch.makeFile(name, bytes: size, &payload)
      parts.append(HashPart(name: name, offset: 0, count: size))
    }
    try warm(parts)
    for measure in HashMeasure.sized(size, cores: cores) {
      try run(measure, parts, UInt64(size * count))
    }
    try scratch.remove(HashSuite.folder)
  }

  private mutating func run(
    _ measure: HashMeasure, _ parts: [HashPart], _ bytes: UInt64
  ) throws(BenchError) {
    let scratch = self.scratch
    let found = try meter.measure(
      measure.name, measure.parameters, .bytesPerSecond, amount: bytes,
      prepare: { () throws(BenchError) in
        if measure.isCold {
          try at(scratch.path) { () throws(Errno) in
            try scratch.directory.open(HashSuite.bulk).dropCache()
          }
        } else if measure.method.dropsBehind {
          try warm(parts)
        }
      },
      { () throws(BenchError) in
        try HashWork.run(scratch, parts, measure.method, threads: measure.threads)
      })
    if measure.method.dropsBehind, !measure.isCold { try warm(parts) }
    if let found { medians.append((measure, found)) }
  }
}

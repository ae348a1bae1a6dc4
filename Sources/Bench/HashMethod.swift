// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import Synchronization

/// One way to bring the bytes of a file to SHA-256.
struct HashMethod: Hashable, Sendable {
  enum Way: Hashable, Sendable {
    /// read(2) into a buffer.
    case read(bufferBytes: Int)
    /// mmap(2) of one window after the other; nil for the whole at once.
    case map(windowBytes: Int64?)
    /// As the rest of the program does it.
    case fileHash
  }

  /// What the kernel is told.
  enum Advice: String, Hashable, Sendable {
    case none
    /// That we go from front to back.
    case sequential
    /// To bring a whole window into the page tables at once.
    case populate
  }

  var way: Way
  var advice = Advice.sequential
  /// Whether what was hashed leaves the page cache.
  var dropsBehind = false
}

/// A piece of a file of the scratch folder.
struct HashPart: Sendable {
  let name: String
  let offset: Int64
  let count: Int64
}

/// Pieces of files, taken one by one by threads that hash them.
final class HashWork: Sendable {
  private let scratch: Scratch
  private let parts: [HashPart]
  private let method: HashMethod
  private let next = Atomic<Int>(0)
  private let failure = Guarded<BenchError?>(nil)

  init(_ scratch: Scratch, _ parts: [HashPart], _ method: HashMethod) {
    self.scratch = scratch
    self.parts = parts
    self.method = method
  }

  static func run(
    _ scratch: Scratch, _ parts: [HashPart], _ method: HashMethod, threads: Int
  ) throws(BenchError) {
    let work = HashWork(scratch, parts, method)
    Thread.fanOut(threads) { _ in work.take() }
    if let failure = work.failure.withLock({ $0 }) { throw failure }
  }

  private func take() {
    var hasher = PartHasher(method)
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      if index >= parts.count { return }
      let part = parts[index]
      do throws(Errno) {
        let file = try scratch.directory.open(part.name, [.readOnly, .noFollow])
        _ = try hasher.hash(file, part)
      } catch {
        let found = BenchError.file(path: "\(scratch.path)/\(part.name)", error)
        return failure.withLock { $0 = $0 ?? found }
      }
    }
  }
}

/// What one thread keeps from one file to the next.
struct PartHasher: ~Copyable {
  private let method: HashMethod
  private var hash = SHA256()
  private var buffer: [UInt8] = []
  private var files = FileHash()

  init(_ method: HashMethod) {
    self.method = method
    if case .read(let bufferBytes) = method.way {
      buffer = [UInt8](repeating: 0, count: bufferBytes)
    }
  }

  mutating func hash(
    _ file: borrowing FileDescriptor, _ part: HashPart
  ) throws(Errno) -> Checksum {
    switch method.way {
    case .fileHash: _ = try files.update(&hash, with: file, dropBehind: method.dropsBehind)
    case .read: try PartHasher.read(&hash, &buffer, file, part, method)
    case .map(let windowBytes):
      try PartHasher.map(&hash, file, part, windowBytes ?? part.count, method)
    }
    return hash.finish()
  }

  private static func read(
    _ hash: inout SHA256, _ buffer: inout [UInt8], _ file: borrowing FileDescriptor,
    _ part: HashPart, _ method: HashMethod
  ) throws(Errno) {
    if method.advice != .none { file.adviseSequential() }
    var position = part.offset
    let end = part.offset + part.count
    while position < end {
      let wanted = Int(min(Int64(buffer.count), end - position))
      let count = try file.read(into: &buffer, count: wanted, offset: position)
      if count == 0 { break }
      hash.update(buffer.span.extracting(0..<count))
      position += Int64(count)
    }
    if method.dropsBehind { file.dropCache(offset: part.offset, count: part.count) }
  }

  private static func map(
    _ hash: inout SHA256, _ file: borrowing FileDescriptor, _ part: HashPart,
    _ windowBytes: Int64, _ method: HashMethod
  ) throws(Errno) {
    if method.advice != .none { file.adviseSequential() }
    var position = part.offset
    let end = part.offset + part.count
    while position < end {
      let count = min(windowBytes, end - position)
      try hashWindow(&hash, file, position, Int(count), method.advice)
      if method.dropsBehind { file.dropCache(offset: position, count: count) }
      position += count
    }
  }

  private static func hashWindow(
    _ hash: inout SHA256, _ file: borrowing FileDescriptor, _ start: Int64, _ count: Int,
    _ advice: HashMethod.Advice
  ) throws(Errno) {
    let window = try Mapping(file, offset: start, count: count)
    switch advice {
    case .none: break
    case .sequential: window.adviseSequential()
    case .populate: window.populate()
    }
    window.withBytes { hash.update($0) }
    if BusError.take() { throw .inputOutput }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Linux

/// What came out last, to which a packed stream refers: in a ring of memory, and what is older, if
/// that is wanted, in a file that takes all output.
///
/// Bytes are put in until `room` is 0 and then taken out by `withFresh` and `pass`.
@safe struct LZWindow: ~Copyable {
  private let ring: UnsafeMutablePointer<UInt8>
  private let capacity: Int
  /// Where the next byte goes, and up to where the ring was taken out.
  private var position = 0
  private var passed = 0
  /// All that was put in, and where the present dictionary begins.
  private(set) var total: UInt64 = 0
  private var dictionaryStart: UInt64 = 0
  private var history: LZHistory?

  /// How much is put in before it is taken out.
  private static let pieceBytes = 64 << 10

  /// A ring of `bytes`, the most that anything refers back; with a file, further.
  init(bytes: Int, file: Shared<FileDescriptor>? = nil) {
    capacity = max(bytes, LZWindow.pieceBytes)
    unsafe ring = .allocate(capacity: capacity)
    unsafe ring.initialize(repeating: 0, count: capacity)
    if let file { history = LZHistory(file) }
  }

  deinit { unsafe ring.deallocate() }

  /// How many bytes can be put in now.
  var room: Int { min(capacity, passed &+ LZWindow.pieceBytes) &- position }

  /// How many bytes of the present dictionary there are.
  var dictionaryBytes: UInt64 { total &- dictionaryStart }

  mutating func beginDictionary() { dictionaryStart = total }

  /// The byte before the next one; 0 at the front of a dictionary.
  var last: UInt8 {
    if total == dictionaryStart { return 0 }
    return unsafe ring[(position == 0 ? capacity : position) &- 1]
  }

  /// The byte that stands `distance` before the next one; the caller has seen that there is one.
  mutating func byte(back distance: UInt64) throws(CompressionError) -> UInt8 {
    guard distance <= UInt64(capacity) else { return unsafe try old(distance, count: 1)[0] }
    let start = position &- Int(truncatingIfNeeded: distance)
    return unsafe ring[start < 0 ? start &+ capacity : start]
  }

  mutating func put(_ byte: UInt8) {
    unsafe ring[position] = byte
    position &+= 1
    total &+= 1
  }

  /// Puts in what fits; gives how many bytes that were.
  mutating func put(_ bytes: Span<UInt8>) -> Int {
    let count = min(room, bytes.count)
    guard count > 0 else { return 0 }
    unsafe bytes.withUnsafeBufferPointer {
      unsafe (ring + position).update(from: $0.baseAddress!, count: count)
    }
    position &+= count
    total &+= UInt64(count)
    return count
  }

  /// Repeats `count` bytes, at most `room`, that stand `distance` before the next one.
  mutating func `repeat`(_ distance: UInt64, count: Int) throws(CompressionError) {
    guard distance <= UInt64(capacity) else { return try repeatOld(distance, count: count) }
    var from = position &- Int(truncatingIfNeeded: distance)
    if from < 0 { from &+= capacity }
    var left = count
    while left > 0 {
      let run = min(left, capacity &- from)
      copy(from: from, count: run)
      left &-= run
      from = 0
    }
    total &+= UInt64(count)
  }

  /// Byte by byte where what is copied is copied again, as a short distance wants.
  @inline(__always) private mutating func copy(from: Int, count: Int) {
    if from &+ count <= position || from >= position {
      unsafe (ring + position).update(from: ring + from, count: count)
    } else {
      for index in 0..<count { unsafe ring[position &+ index] = ring[from &+ index] }
    }
    position &+= count
  }

  private mutating func repeatOld(_ distance: UInt64, count: Int) throws(CompressionError) {
    var left = count
    while left > 0 {
      let found = unsafe try old(distance, count: left)
      unsafe (ring + position).update(from: found.baseAddress!, count: found.count)
      position &+= found.count
      total &+= UInt64(found.count)
      left &-= found.count
    }
  }

  /// Between 1 and `count` bytes from the file.
  private mutating func old(
    _ distance: UInt64, count: Int
  ) throws(CompressionError) -> UnsafeBufferPointer<UInt8> {
    guard history != nil else { throw .corrupt }
    return unsafe try history!.bytes(at: total &- distance, count: count)
  }

  /// What was put in since the last `pass`.
  func withFresh<R: ~Copyable, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    let fresh = unsafe UnsafeBufferPointer(start: ring + passed, count: position &- passed)
    return try body(unsafe fresh.span)
  }

  var hasFresh: Bool { position > passed }

  /// Lets go of what was put in since the last time: it stays what is referred to.
  mutating func pass() throws(CompressionError) {
    if history != nil, position > passed {
      let fresh = unsafe UnsafeBufferPointer(start: ring + passed, count: position &- passed)
      try history!.append(unsafe fresh.span)
    }
    if position == capacity { position = 0 }
    passed = position
  }
}

/// All output so far, in a file; parts of it are read again through a few blocks of memory.
@safe struct LZHistory: ~Copyable {
  private let file: Shared<FileDescriptor>
  private var written: Int64 = 0
  private let blocks: UnsafeMutablePointer<UInt8>
  /// Which block of the file each place holds; -1 for none.
  private var held: [Int64]
  private var block = [UInt8](repeating: 0, count: blockBytes)

  private static let blockBytes = 8 << 10
  private static let blockCount = 64

  init(_ file: Shared<FileDescriptor>) {
    self.file = file
    unsafe blocks = .allocate(capacity: LZHistory.blockBytes * LZHistory.blockCount)
    held = [Int64](repeating: -1, count: LZHistory.blockCount)
  }

  deinit { unsafe blocks.deallocate() }

  mutating func append(_ bytes: Span<UInt8>) throws(CompressionError) {
    do throws(Errno) { try file.value.write(bytes, offset: written) } catch { throw .file(error) }
    written += Int64(bytes.count)
  }

  /// Between 1 and `count` bytes that were written long ago: they are good until the next call.
  mutating func bytes(
    at offset: UInt64, count: Int
  ) throws(CompressionError) -> UnsafeBufferPointer<UInt8> {
    let number = Int64(clamping: offset) / Int64(LZHistory.blockBytes)
    let place = Int(number % Int64(LZHistory.blockCount))
    let start = unsafe blocks + place * LZHistory.blockBytes
    if held[place] != number {
      held[place] = -1
      unsafe try read(number, to: start)
      held[place] = number
    }
    let inside = Int(Int64(clamping: offset) % Int64(LZHistory.blockBytes))
    return unsafe UnsafeBufferPointer(
      start: start + inside, count: min(count, LZHistory.blockBytes - inside))
  }

  private mutating func read(
    _ number: Int64, to start: UnsafeMutablePointer<UInt8>
  ) throws(CompressionError) {
    let offset = number * Int64(LZHistory.blockBytes)
    do throws(Errno) {
      let count = try file.value.read(into: &block, count: block.count, offset: offset)
      if count != block.count { throw .inputOutput }
    } catch { throw .file(error) }
    unsafe block.withUnsafeBufferPointer {
      unsafe start.update(from: $0.baseAddress!, count: LZHistory.blockBytes)
    }
  }
}

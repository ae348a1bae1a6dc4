// SPDX-License-Identifier: Apache-2.0

/// One LZMA2 stream: chunks that are packed or plain, each with its sizes in front.
///
/// A packed chunk has at most 64 KiB and is taken into memory whole, so that a symbol is never cut
/// in two. The .xz file format 1.1.0, 5.3.1; chunks as xz-embedded's documentation has them.
@safe struct LZMA2Decoder: ~Copyable {
  /// What the decoder can do next.
  enum Step: Sendable {
    /// More of the stream must come.
    case inputUsed
    /// The window is full.
    case output
    case finished
  }

  private enum State {
    case control
    case header(control: UInt8)
    case plain(left: Int)
    /// The chunk itself, and what comes out of it.
    case packed(inputBytes: Int, left: Int)
    case unpacking(inputBytes: Int, left: Int)
    case finished
  }

  private var state = State.control
  private var lzma = LZMADecoder()
  private var coder: RangeDecoder?
  /// A header or a packed chunk, as far as it has come.
  private let gathered: UnsafeMutablePointer<UInt8>
  private var gatheredCount = 0
  private var dictionaryBytes: UInt64 = 0
  private var needsDictionary = true
  private var needsProperties = true
  private var needsReset = true
  /// Bytes of the stream so far.
  private(set) var inputBytes: UInt64 = 0

  private static let chunkBytesMax = 1 << 16

  init() {
    unsafe gathered = .allocate(capacity: LZMA2Decoder.chunkBytesMax + RangeDecoder.symbolBytesMax)
    unsafe gathered.initialize(
      repeating: 0, count: LZMA2Decoder.chunkBytesMax + RangeDecoder.symbolBytesMax)
  }

  deinit { unsafe gathered.deallocate() }

  /// Begins a new stream.
  mutating func begin(dictionaryBytes: UInt64) {
    self.dictionaryBytes = dictionaryBytes
    state = .control
    (needsDictionary, needsProperties, needsReset) = (true, true, true)
    inputBytes = 0
    gatheredCount = 0
  }

  /// Takes from the front of `input` what it needs, and unpacks into `window` what fits.
  mutating func step(
    _ input: inout Span<UInt8>, into window: inout LZWindow
  ) throws(CompressionError) -> Step {
    while true {
      switch state {
      case .control:
        guard let control = take(&input) else { return .inputUsed }
        try begin(chunk: control)
      case .header(let control):
        let count = control < 0x80 ? 2 : control >= 0xC0 ? 5 : 4
        guard gather(count, &input) else { return .inputUsed }
        try readHeader(control, &window)
      case .plain(let left):
        if left == 0 {
          state = .control
          continue
        }
        if window.room == 0 { return .output }
        if input.isEmpty { return .inputUsed }
        let count = window.put(input.extracting(first: left))
        drop(count, &input)
        state = .plain(left: left - count)
      case .packed(let count, let left):
        guard gather(count, &input) else { return .inputUsed }
        guard let coder = unsafe RangeDecoder(gathered) else { throw .corrupt }
        self.coder = coder
        state = .unpacking(inputBytes: count, left: left)
      case .unpacking(let count, let left):
        if window.room == 0, left > 0 { return .output }
        state = try unpack(count, left, &window)
      case .finished: return .finished
      }
    }
  }

  private mutating func begin(chunk control: UInt8) throws(CompressionError) {
    gatheredCount = 0
    switch control {
    case 0: state = .finished
    case 1, 2, 0x80...: state = .header(control: control)
    default: throw .corrupt
    }
  }

  private mutating func readHeader(
    _ control: UInt8, _ window: inout LZWindow
  ) throws(CompressionError) {
    if control == 1 || control >= 0xE0 {
      window.beginDictionary()
      (needsDictionary, needsProperties) = (false, true)
    } else if needsDictionary {
      throw .corrupt
    }
    let size = unsafe Int(gathered[0]) << 8 | Int(gathered[1])
    if control < 0x80 {
      state = .plain(left: size + 1)
      return
    }
    if control >= 0xC0 {
      try lzma.setProperties(unsafe gathered[4])
      needsProperties = false
    }
    if needsProperties { throw .corrupt }
    if control >= 0xA0 {
      lzma.reset()
      needsReset = false
    }
    if needsReset { throw .corrupt }
    let packed = unsafe Int(gathered[2]) << 8 | Int(gathered[3])
    if packed + 1 < RangeDecoder.initialBytes { throw .corrupt }
    gatheredCount = 0
    state = .packed(inputBytes: packed + 1, left: Int(control & 0x1F) << 16 + size + 1)
  }

  private mutating func unpack(
    _ count: Int, _ left: Int, _ window: inout LZWindow
  ) throws(CompressionError) -> State {
    guard var coder else { throw .corrupt }
    let produced = try lzma.decode(
      left, &coder, inputBytes: count, dictionaryBytes: dictionaryBytes, into: &window)
    if produced < left {
      self.coder = coder
      return .unpacking(inputBytes: count, left: left - produced)
    }
    self.coder = nil
    guard coder.isAtEnd(), coder.position == count, lzma.isBetweenSymbols else { throw .corrupt }
    return .control
  }

  private mutating func take(_ input: inout Span<UInt8>) -> UInt8? {
    guard !input.isEmpty else { return nil }
    let byte = input[0]
    drop(1, &input)
    return byte
  }

  private mutating func drop(_ count: Int, _ input: inout Span<UInt8>) {
    input = input.extracting(droppingFirst: count)
    inputBytes &+= UInt64(count)
  }

  /// Whether `count` bytes are gathered.
  private mutating func gather(_ count: Int, _ input: inout Span<UInt8>) -> Bool {
    let taken = min(count - gatheredCount, input.count)
    if taken > 0 {
      unsafe input.withUnsafeBufferPointer {
        unsafe (gathered + gatheredCount).update(from: $0.baseAddress!, count: taken)
      }
      gatheredCount += taken
      drop(taken, &input)
    }
    return gatheredCount == count
  }
}

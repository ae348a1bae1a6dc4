// SPDX-License-Identifier: Apache-2.0
public import Linux

/// Unpacks an .xz stream piece by piece, in memory that its caller bounds.
///
/// What the stream refers back to is in memory, or, where a file takes all output, only the last
/// `XZDecoder.windowBytes` of it are, and what is older is read from the file again: then the
/// memory does not depend on the dictionary. LZMA2, alone or behind the filter for x86 code;
/// CRC32 and CRC64 are verified, SHA-256 is not. The .xz file format 1.1.0.
///
/// ```
/// magic flags CRC32 │ header LZMA2… padding check │ … │ index │ CRC32 size flags magic
/// ```
public final class XZDecoder {
  /// What the decoder came to.
  public enum Event: Sendable {
    /// More of the stream must come.
    case inputUsed
    /// `withOutput` lends what came out.
    case output
    /// The stream has ended; what follows in the input is not part of it.
    case finished
  }

  private enum State {
    case streamHeader
    case blockStart
    case blockHeader(byteCount: Int)
    case lzma2
    case blockEnd
    case index
    case footer
    case finished
  }

  /// How much of the output stays in memory where a file has all of it.
  public static let windowBytes = 1 << 20

  private static let magic: [UInt8] = [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
  private static let streamHeaderBytes = 12

  private var state = State.streamHeader
  private var window: LZWindow
  private let hasFile: Bool
  private let dictionaryBytesMax: UInt64
  private let outputBytesMax: UInt64
  private var lzma2 = LZMA2Decoder()
  private var filter: X86Filter?
  /// What the filter has made of the last piece; else the piece is in the window.
  private var filtered: [UInt8] = []
  /// Whether the last piece was lent, so that the next may take its place.
  private var isLent = false
  /// The part of the stream that is read at once: a header, padding and check, the footer.
  private var gathered: [UInt8] = []
  private var kind: UInt8 = 0
  private var check = XZCheck.none(byteCount: 0)
  private var header: XZBlockHeader?
  private var headerBytes = 0
  private var blockOutput: UInt64 = 0
  private var output: UInt64 = 0
  private var sizes = XZBlockSizes()
  private var index = XZIndexReader()

  /// With a window in memory. `step` throws `.outOfMemory` where the stream wants a dictionary of
  /// more than `dictionaryBytesMax`, and `.tooLarge` where more than `outputBytesMax` come out.
  public init(dictionaryBytesMax: UInt64, outputBytesMax: UInt64) {
    self.dictionaryBytesMax = dictionaryBytesMax
    self.outputBytesMax = outputBytesMax
    hasFile = false
    window = LZWindow(bytes: 0)  // until the block says how much it needs
  }

  /// All output goes to `file`, which is empty.
  public init(
    into file: Shared<FileDescriptor>, dictionaryBytesMax: UInt64, outputBytesMax: UInt64
  ) {
    self.dictionaryBytesMax = dictionaryBytesMax
    self.outputBytesMax = outputBytesMax
    hasFile = true
    window = LZWindow(bytes: XZDecoder.windowBytes, file: file)
  }

  /// Bytes that came out so far.
  public var outputBytes: UInt64 { output }

  /// Goes on with `input`, of which it takes the front. Throws `.corrupt`, `.unsupported` for what
  /// no other program writes unasked, `.outOfMemory`, `.tooLarge` and `.file`.
  public func step(
    _ input: Span<UInt8>
  ) throws(CompressionError) -> (consumed: Int, event: Event) {
    try passOutput()
    var rest = input
    let event = try run(&rest)
    if case .output = event { isLent = true }
    return (input.count - rest.count, event)
  }

  private func run(_ input: inout Span<UInt8>) throws(CompressionError) -> Event {
    while true {
      switch state {
      case .streamHeader:
        guard gather(XZDecoder.streamHeaderBytes, &input) else { return .inputUsed }
        try readStreamHeader()
      case .blockStart:
        guard gather(1, &input) else { return .inputUsed }
        let first = gathered[0]
        state = first == 0 ? .index : .blockHeader(byteCount: (Int(first) + 1) * 4)
        if first == 0 { index = XZIndexReader() }
      case .blockHeader(let count):
        guard gather(count, &input) else { return .inputUsed }
        try beginBlock()
      case .lzma2:
        let step = try lzma2.step(&input, into: &window)
        if window.hasFresh, step != .inputUsed || window.room == 0 {
          try takeOutput()
          return .output
        }
        guard step == .finished else { return .inputUsed }
        gathered = []
        state = .blockEnd
        if try endFilter() { return .output }
      case .blockEnd:
        guard gather(paddingBytes + check.byteCount, &input) else { return .inputUsed }
        try endBlock()
      case .index:
        guard let byte = take(&input) else { return .inputUsed }
        if try index.add(byte, expected: sizes) {
          gathered = []
          state = .footer
        }
      case .footer:
        guard gather(XZDecoder.streamHeaderBytes, &input) else { return .inputUsed }
        try readFooter()
        state = .finished
      case .finished: return .finished
      }
    }
  }
}

// Output.
extension XZDecoder {
  /// Lends what came out with the last `.output`.
  public func withOutput<E: Error>(
    _ body: (Span<UInt8>) throws(E) -> Void
  ) throws(E) {
    let filtered = self.filtered
    if filter != nil || !filtered.isEmpty { return try body(filtered.span) }
    try window.withFresh(body)
  }

  private func takeOutput() throws(CompressionError) {
    var check = self.check
    var filter = self.filter
    var filtered: [UInt8] = []
    var count = 0
    window.withFresh { fresh in
      count = fresh.count
      if filter != nil {
        filtered = filter!.push(fresh)
        check.update(filtered.span)
      } else {
        check.update(fresh)
      }
    }
    (self.check, self.filter, self.filtered) = (check, filter, filtered)
    blockOutput += UInt64(count)
    output += UInt64(count)
    if output > outputBytesMax { throw .tooLarge }
    if let promised = header?.unpackedBytes, blockOutput > promised { throw .corrupt }
  }

  /// Whether the filter had held something back.
  private func endFilter() throws(CompressionError) -> Bool {
    guard filter != nil else { return false }
    let rest = filter!.finish()
    filter = nil
    check.update(rest.span)
    filtered = rest
    return !rest.isEmpty
  }

  private func passOutput() throws(CompressionError) {
    guard isLent else { return }
    isLent = false
    filtered = []
    try window.pass()
  }
}

// The container.
extension XZDecoder {
  private func take(_ input: inout Span<UInt8>) -> UInt8? {
    guard !input.isEmpty else { return nil }
    let byte = input[0]
    input = input.extracting(droppingFirst: 1)
    return byte
  }

  /// Whether `count` bytes are gathered.
  private func gather(_ count: Int, _ input: inout Span<UInt8>) -> Bool {
    while gathered.count < count, let byte = take(&input) { gathered.append(byte) }
    return gathered.count == count
  }

  private func readStreamHeader() throws(CompressionError) {
    guard gathered.starts(with: XZDecoder.magic),
      CRC.ieee(gathered[6..<8]) == littleEndian(gathered[8...])
    else { throw .corrupt }
    kind = gathered[7]
    guard gathered[6] == 0, XZCheck(kind) != nil else { throw .unsupported }
    gathered = []
    state = .blockStart
  }

  private func beginBlock() throws(CompressionError) {
    let header = try XZBlockHeader(gathered)
    headerBytes = gathered.count
    guard header.dictionaryBytes <= dictionaryBytesMax else { throw .outOfMemory }
    if header.isX86, hasFile { throw .unsupported }
    if !hasFile {
      // Nothing refers back further than to the front.
      let bytes = min(header.dictionaryBytes, max(outputBytesMax, 1))
      window = LZWindow(bytes: Int(bytes))
    }
    lzma2.begin(dictionaryBytes: header.dictionaryBytes)
    filter = header.isX86 ? X86Filter() : nil
    check = XZCheck(kind) ?? .none(byteCount: 0)
    blockOutput = 0
    self.header = header
    state = .lzma2
  }

  /// To a multiple of four.
  private var paddingBytes: Int { Int((4 - lzma2.inputBytes % 4) % 4) }

  private func endBlock() throws(CompressionError) {
    let padding = paddingBytes
    guard gathered[..<padding].allSatisfy({ $0 == 0 }), check.holds(gathered[padding...]),
      header?.packedBytes.map({ $0 == lzma2.inputBytes }) ?? true,
      header?.unpackedBytes.map({ $0 == blockOutput }) ?? true
    else { throw .corrupt }
    sizes.add(
      unpadded: UInt64(headerBytes + check.byteCount) + lzma2.inputBytes, unpacked: blockOutput)
    gathered = []
    state = .blockStart
  }

  private func readFooter() throws(CompressionError) {
    guard CRC.ieee(gathered[4..<10]) == littleEndian(gathered[..<4]),
      (littleEndian(gathered[4..<8]) + 1) * 4 == index.byteCount,
      gathered[8] == 0, gathered[9] == kind,
      gathered[10] == UInt8(ascii: "Y"), gathered[11] == UInt8(ascii: "Z")
    else { throw .corrupt }
  }
}

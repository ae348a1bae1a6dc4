// SPDX-License-Identifier: Apache-2.0
import Compression

/// Takes a `.filez` apart as it arrives, in pieces of any size and about 110 KiB of memory.
///
/// Shape: 8 bytes of length and padding, the header, then for a regular file a raw deflate stream.
/// The decoder checks all but the checksum, which the caller keeps:
/// ```
/// var rest = input
/// while true {
///   let step = try decoder.step(rest)
///   rest = rest.extracting(step.consumed..<rest.count)
///   switch step.event {
///   case .header: … decoder.header, decoder.sizeBytes
///   case .content: decoder.withContent { … }
///   case .inputUsed: return
///   }
/// }
/// ```
/// and `finish()` when there is no more input. `reset` makes it ready for the next object, with
/// the same memory.
public struct ArchiveFileDecoder: ~Copyable {
  public enum Event: Hashable, Sendable {
    /// The header is there. Comes once, before any content.
    case header
    /// Content is there, to be used before the next step.
    case content
    /// All of the input is used.
    case inputUsed
  }

  public struct Step: Hashable, Sendable {
    /// Bytes taken from the front of the input.
    public let consumed: Int
    public let event: Event
  }

  private enum State { case prefix, header, content, end }

  /// Content is given out in pieces of at most this many bytes.
  public static let pieceBytes = 64 << 10

  public private(set) var header: FileHeader?
  /// Of the content, as the header declares it.
  public private(set) var sizeBytes: UInt64 = 0
  /// Of prefix and header: where in the object the deflate stream begins.
  public private(set) var headerBytes: UInt64 = 0
  /// Content given out so far.
  public private(set) var producedBytes: UInt64 = 0

  private var contentLimitBytes: UInt64?
  private var state = State.prefix
  private var pending: [UInt8] = []
  private var wanted = 8
  private var inflate: Inflate
  private var output: [UInt8]
  private var outputCount = 0

  /// Objects that declare more content than `contentLimitBytes` are refused.
  public init(contentLimitBytes: UInt64? = nil) throws(FormatError) {
    do throws(CompressionError) { inflate = try Inflate() } catch { throw .deflate }
    output = [UInt8](repeating: 0, count: ArchiveFileDecoder.pieceBytes)
    self.contentLimitBytes = contentLimitBytes
  }

  /// Goes on in the middle of an object, with the input that follows `headerBytes` and
  /// `boundary.inputOffset`; `window` is the end of the content before `boundary.outputOffset`.
  public init(
    resuming boundary: InflateBoundary, window: Span<UInt8>, header: FileHeader,
    sizeBytes: UInt64, headerBytes: UInt64
  ) throws(FormatError) {
    guard header.isRegular, boundary.outputOffset <= sizeBytes else { throw .size }
    do throws(CompressionError) {
      inflate = try Inflate(resuming: boundary, window: window)
    } catch { throw .deflate }
    output = [UInt8](repeating: 0, count: ArchiveFileDecoder.pieceBytes)
    state = .content
    self.header = header
    self.sizeBytes = sizeBytes
    self.headerBytes = headerBytes
    producedBytes = boundary.outputOffset
  }

  /// Begins another object.
  public mutating func reset(contentLimitBytes: UInt64? = nil) {
    inflate.reset()
    header = nil
    sizeBytes = 0
    headerBytes = 0
    producedBytes = 0
    self.contentLimitBytes = contentLimitBytes
    state = .prefix
    pending.removeAll(keepingCapacity: true)
    wanted = 8
    outputCount = 0
  }

  /// Where a later decoder could go on, relative to the start of the deflate stream.
  public var boundary: InflateBoundary? { inflate.boundary }

  /// Lends the content of the last step.
  public borrowing func withContent<R, E: Error>(
    _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try body(output.span.extracting(0..<outputCount))
  }
}

extension ArchiveFileDecoder {
  /// Takes in what comes next, up to the next event. After anything but `.inputUsed` call again
  /// with the rest, even if that is empty.
  public mutating func step(_ input: Span<UInt8>) throws(FormatError) -> Step {
    outputCount = 0
    var consumed = 0
    while true {
      let rest = input.extracting(consumed..<input.count)
      switch state {
      case .prefix, .header:
        consumed += collect(rest)
        guard pending.count == wanted else {
          return Step(consumed: consumed, event: .inputUsed)
        }
        if state == .prefix {
          try readPrefix()
        } else {
          try readHeader()
          return Step(consumed: consumed, event: .header)
        }
      case .content:
        consumed += try unpack(rest)
        if outputCount > 0 { return Step(consumed: consumed, event: .content) }
        if state == .content { return Step(consumed: consumed, event: .inputUsed) }
      case .end:
        if rest.count > 0 { throw .trailing }
        return Step(consumed: consumed, event: .inputUsed)
      }
    }
  }

  /// Says that there is no more input. Throws `.truncated` if the object is not complete.
  public func finish() throws(FormatError) {
    if state != .end { throw .truncated }
  }

  /// Moves up to what is still wanted from `input` to `pending`.
  private mutating func collect(_ input: Span<UInt8>) -> Int {
    let count = min(input.count, wanted - pending.count)
    for index in 0..<count { pending.append(input[index]) }
    return count
  }

  private mutating func readPrefix() throws(FormatError) {
    let count = pending[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard count > 0, pending[4...].allSatisfy({ $0 == 0 }) else { throw .header }
    guard count <= UInt32(FileHeader.archiveHeaderLimitBytes) else {
      throw .tooLarge(limitBytes: UInt64(FileHeader.archiveHeaderLimitBytes))
    }
    pending.removeAll(keepingCapacity: true)
    wanted = Int(count)
    headerBytes = 8 + UInt64(count)
    state = .header
  }

  private mutating func readHeader() throws(FormatError) {
    let parsed = try FileHeader.parseArchive(pending)
    if let limit = contentLimitBytes, parsed.sizeBytes > limit {
      throw .tooLarge(limitBytes: limit)
    }
    header = parsed.header
    sizeBytes = parsed.sizeBytes
    state = parsed.header.isSymlink ? .end : .content
  }

  /// Inflates a piece into `output`; gives what it took from `input`.
  private mutating func unpack(_ input: Span<UInt8>) throws(FormatError) -> Int {
    let step: InflateStep
    do throws(CompressionError) { step = try inflate.step(input, into: &output) } catch {
      throw .deflate
    }
    guard UInt64(step.produced) <= sizeBytes - producedBytes else { throw .size }
    producedBytes += UInt64(step.produced)
    outputCount = step.produced
    if step.isFinished {
      guard producedBytes == sizeBytes else { throw .size }
      state = .end
    }
    return step.consumed
  }
}

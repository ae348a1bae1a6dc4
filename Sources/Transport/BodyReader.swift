// SPDX-License-Identifier: Apache-2.0

/// Where the body of a response ends. RFC 9112 6.3.
enum BodyFraming: Hashable {
  case length(UInt64)
  case chunked
  /// With the connection: nothing tells whether it came whole.
  case untilClose
}

/// What a step of a `BodyReader` found at the front of the bytes that it was shown.
struct BodyStep: Hashable {
  /// Bytes of framing to drop, before the data.
  var skipped = 0
  /// Bytes of the body that follow them.
  var data = 0
  var isFinished = false
}

/// Separates a body from its framing, as it arrives. Chunks: RFC 9112 7.1.
struct BodyReader {
  /// A line of a chunk's size with its extensions: more is nobody's honest framing.
  static let chunkLineByteCountMax = 256
  /// All trailers together.
  static let trailerByteCountMax = 4 << 10

  private enum State {
    case length, untilClose
    case size(digits: Int)
    case extensions, sizeEnd
    case chunk, chunkReturn, chunkEnd
    case trailerStart, trailerName, trailerValue, trailerEnd, lastEnd
    case finished
  }
  private var state: State
  /// Bytes of the body, or of the chunk, that are still to come.
  private var left: UInt64 = 0
  private var lineCount = 0
  private var trailerCount = 0

  init(_ framing: BodyFraming) {
    switch framing {
    case .length(let length):
      left = length
      state = length == 0 ? .finished : .length
    case .chunked: state = .size(digits: 0)
    case .untilClose: state = .untilClose
    }
  }

  var isFinished: Bool { if case .finished = state { true } else { false } }

  /// Whether the end of the connection is a proper end of the body.
  var endsWithConnection: Bool { if case .untilClose = state { true } else { false } }

  /// How much is certain to be still to come; nil if unknown.
  var knownRest: UInt64? {
    switch state {
    case .length: left
    case .finished: 0
    default: nil
    }
  }

  /// Looks at the front of `bytes`: framing is skipped up to the first data. Call it again with
  /// what follows; an empty step that is not finished means that more must arrive.
  mutating func step(_ bytes: Span<UInt8>) throws(MalformedResponse) -> BodyStep {
    var step = BodyStep()
    while step.skipped < bytes.count && !isFinished {
      switch state {
      case .length, .chunk:
        step.data = takeData(bytes.count - step.skipped)
        step.isFinished = isFinished
        return step
      case .untilClose:
        step.data = bytes.count - step.skipped
        return step
      default:
        try readFraming(bytes[step.skipped])
        step.skipped += 1
      }
    }
    step.isFinished = isFinished
    return step
  }

  private mutating func takeData(_ available: Int) -> Int {
    let data = Int(min(left, UInt64(available)))
    left -= UInt64(data)
    if left == 0 { if case .chunk = state { state = .chunkReturn } else { state = .finished } }
    return data
  }

  private mutating func readFraming(_ byte: UInt8) throws(MalformedResponse) {
    switch state {
    case .size, .extensions, .sizeEnd: try readSize(byte)
    case .chunkReturn:
      guard byte == 13 else { throw .chunkEnd }
      state = .chunkEnd
    case .chunkEnd:
      guard byte == 10 else { throw .chunkEnd }
      (state, lineCount) = (.size(digits: 0), 0)
    default: try readTrailer(byte)
    }
  }

  /// `1a2b;name=value` and the line's end.
  private mutating func readSize(_ byte: UInt8) throws(MalformedResponse) {
    lineCount += 1
    if case .sizeEnd = state {
      guard byte == 10 else { throw .lineEnd }
      state = left == 0 ? .trailerStart : .chunk
      return
    }
    if case .size(let digits) = state {
      if let digit = URLCharacter.hexValue(byte) {
        guard left >> 60 == 0 else { throw .chunkSize }
        left = left << 4 | UInt64(digit)
        guard lineCount <= BodyReader.chunkLineByteCountMax else { throw .chunkSize }
        state = .size(digits: digits + 1)
        return
      }
      guard digits > 0 else { throw .chunkSize }
      switch byte {
      case 13: state = .sizeEnd
      case UInt8(ascii: ";"), 0x20, 9: state = .extensions
      default: throw .chunkSize
      }
      return
    }
    if byte == 13 {
      state = .sizeEnd
    } else if !HeaderCharacter.isValue(byte) || lineCount > BodyReader.chunkLineByteCountMax {
      throw .chunkExtension
    }
  }

  /// Trailers are checked and dropped; the empty line ends the body.
  private mutating func readTrailer(_ byte: UInt8) throws(MalformedResponse) {
    trailerCount += 1
    guard trailerCount <= BodyReader.trailerByteCountMax else { throw .trailer }
    switch state {
    case .trailerStart:
      if byte == 13 {
        state = .lastEnd
      } else if HeaderCharacter.isToken(byte) {
        state = .trailerName
      } else {
        throw .trailer
      }
    case .trailerName:
      if byte == UInt8(ascii: ":") {
        state = .trailerValue
      } else if !HeaderCharacter.isToken(byte) {
        throw .trailer
      }
    case .trailerValue:
      if byte == 13 {
        state = .trailerEnd
      } else if !HeaderCharacter.isValue(byte) {
        throw .trailer
      }
    case .trailerEnd:
      guard byte == 10 else { throw .lineEnd }
      state = .trailerStart
    default:
      guard byte == 10 else { throw .lineEnd }
      state = .finished
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import Linux

/// One step of a patch: so many bytes added to those of the old file, so many new ones, and how
/// far to go in the old file then. Shape: three numbers of eight bytes, little-endian, the highest
/// bit the sign. bsdiff as libostree has it: without a header, all in one stream.
struct DeltaPatchStep {
  let added: UInt64
  let extra: UInt64
  let seek: Int64

  static let byteCount = 24

  /// Nil for counts below 0.
  init?(_ bytes: Span<UInt8>) {
    let numbers = (
      DeltaPatchStep.number(bytes, 0), DeltaPatchStep.number(bytes, 8),
      DeltaPatchStep.number(bytes, 16)
    )
    guard let added = UInt64(exactly: numbers.0), let extra = UInt64(exactly: numbers.1) else {
      return nil
    }
    self.added = added
    self.extra = extra
    seek = numbers.2
  }

  private static func number(_ bytes: Span<UInt8>, _ start: Int) -> Int64 {
    let value = bytes.littleEndian(at: start, count: 8)
    let magnitude = Int64(value & (1 << 63 - 1))
    return value >> 63 == 1 ? -magnitude : magnitude
  }
}

/// Makes a file from an old one and a patch, piece by piece.
struct DeltaPatch: ~Copyable {
  /// Where the next byte of the old file would be; it may point in front of it or behind.
  private var oldPosition: Int64 = 0
  private var patchPosition: UInt64
  private let patchEnd: UInt64
  /// How much of the new file is still to come.
  private var left: UInt64
  private var output = [UInt8](repeating: 0, count: pieceBytes)

  private static let pieceBytes = 32 << 10
  private static let fault = DeltaError.unusable(
    .arguments(operation: DeltaOperation.patch.rawValue))

  /// The patch is at `range` of the payload.
  init(_ range: Range<UInt64>, newBytes: UInt64) {
    patchPosition = range.lowerBound
    patchEnd = range.upperBound
    left = newBytes
  }

  mutating func run(
    _ payload: inout DeltaWindow, _ old: inout DeltaSource, into sink: inout DeltaFileSink
  ) throws(DeltaError) {
    while left > 0 {
      let step = try nextStep(&payload)
      guard step.added <= left, step.extra <= left - step.added,
        step.added + step.extra <= patchEnd - patchPosition
      else { throw DeltaPatch.fault }
      try add(step.added, &payload, &old, &sink)
      left -= step.added + step.extra
      try sink.write(&payload, at: patchPosition, count: step.extra)
      patchPosition += step.extra
      let (moved, overflow) = oldPosition.addingReportingOverflow(step.seek)
      if overflow { throw DeltaPatch.fault }
      oldPosition = moved
    }
  }

  private mutating func nextStep(_ payload: inout DeltaWindow) throws(DeltaError) -> DeltaPatchStep
  {
    guard patchEnd - patchPosition >= UInt64(DeltaPatchStep.byteCount) else {
      throw DeltaPatch.fault
    }
    do throws(Errno) {
      let place = try payload.fill(
        at: patchPosition, count: UInt64(DeltaPatchStep.byteCount),
        least: DeltaPatchStep.byteCount)
      patchPosition += UInt64(DeltaPatchStep.byteCount)
      guard let step = DeltaPatchStep(payload.bytes.span.extracting(place)) else {
        throw Errno.invalid
      }
      return step
    } catch {
      if error == .invalid { throw DeltaPatch.fault }
      throw .scratch(error)
    }
  }

  private mutating func add(
    _ count: UInt64, _ payload: inout DeltaWindow, _ old: inout DeltaSource,
    _ sink: inout DeltaFileSink
  ) throws(DeltaError) {
    var rest = count
    while rest > 0 {
      let place: Range<Int>
      do throws(Errno) {
        place = try payload.fill(
          at: patchPosition, count: min(rest, UInt64(DeltaPatch.pieceBytes)))
      } catch { throw .scratch(error) }
      for index in 0..<place.count { output[index] = payload.bytes[place.lowerBound + index] }
      try addOld(place.count, &old)
      try sink.write(output.span.extracting(0..<place.count))
      patchPosition += UInt64(place.count)
      rest -= UInt64(place.count)
      let (moved, overflow) = oldPosition.addingReportingOverflow(Int64(place.count))
      if overflow { throw DeltaPatch.fault }
      oldPosition = moved
    }
  }

  /// Adds to `output` what the old file has at its position; outside of it there is nothing.
  private mutating func addOld(_ count: Int, _ old: inout DeltaSource) throws(DeltaError) {
    if oldPosition >= 0, UInt64(oldPosition) >= old.sizeBytes { return }
    let outside = oldPosition < 0 ? UInt64(bitPattern: -max(oldPosition, -Int64.max)) : 0
    var index = Int(min(outside, UInt64(count)))
    while index < count {
      let position = UInt64(oldPosition + Int64(index))
      if position >= old.sizeBytes { return }
      let place = try old.fill(at: position, count: UInt64(count - index))
      for byte in place {
        output[index] &+= old.window.bytes[byte]
        index += 1
      }
    }
  }
}

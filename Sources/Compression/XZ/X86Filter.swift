// SPDX-License-Identifier: Apache-2.0

/// Makes the targets of x86 jumps relative again, which were made absolute to pack better.
/// The .xz file format 1.1.0, 5.3.2; which bytes count as a jump is as in the LZMA SDK's x86.
struct X86Filter {
  /// What cannot be judged before four more bytes are there.
  private var held: [UInt8] = []
  /// Where `held` stands in the block.
  private var offset: UInt32 = 0
  /// Which of the three bytes before were the opcode of a call or jump, the nearest lowest.
  private var opcodes: UInt32 = 0

  /// Gives what is done of it; the rest comes with the next bytes, or with `finish`.
  mutating func push(_ bytes: Span<UInt8>) -> [UInt8] {
    var buffer = held
    buffer.reserveCapacity(held.count + bytes.count)
    for index in bytes.indices { buffer.append(bytes[index]) }
    let done = convert(&buffer)
    held = Array(buffer[done...])
    buffer.removeLast(buffer.count - done)
    offset &+= UInt32(truncatingIfNeeded: done)
    return buffer
  }

  /// What was held back: it is too short to be a jump.
  mutating func finish() -> [UInt8] {
    let rest = held
    self = X86Filter()
    return rest
  }

  /// Gives how many bytes at the front need no further look.
  private mutating func convert(_ buffer: inout [UInt8]) -> Int {
    var index = 0
    while index + 5 <= buffer.count {
      guard buffer[index] & 0xFE == 0xE8 else {
        opcodes = opcodes << 1 & 7
        index += 1
        continue
      }
      if mayConvert(buffer, index), X86Filter.isFar(buffer[index + 4]) {
        convertJump(&buffer, index)
        index += 5
        opcodes = 0
      } else {
        opcodes = (opcodes << 1 | 1) & 7
        index += 1
      }
    }
    return index
  }

  /// The highest byte of a 32-bit distance of less than 16 MiB.
  private static func isFar(_ byte: UInt8) -> Bool { byte == 0 || byte == 0xFF }

  /// Not where an opcode shortly before may have this one in its own operand.
  private func mayConvert(_ buffer: [UInt8], _ index: Int) -> Bool {
    switch opcodes {
    case 0: true
    case 1, 2, 4: !X86Filter.isFar(buffer[index + 4 - nearestOpcode])
    default: false
    }
  }

  /// How many bytes before, 1 to 3.
  private var nearestOpcode: Int { opcodes & 1 != 0 ? 1 : opcodes & 2 != 0 ? 2 : 3 }

  private func convertJump(_ buffer: inout [UInt8], _ index: Int) {
    var source = UInt32(littleEndian(buffer[index + 1..<index + 5]))
    let next = offset &+ UInt32(truncatingIfNeeded: index + 5)
    var target: UInt32
    while true {
      target = source &- next
      if opcodes == 0 { break }
      let shift = UInt32(8 * nearestOpcode)
      if !X86Filter.isFar(UInt8(truncatingIfNeeded: target >> (24 - shift))) { break }
      source = target ^ (1 << (32 - shift) - 1)
    }
    target &= 0x01FF_FFFF
    if target & 0x0100_0000 != 0 { target |= 0xFE00_0000 }
    for place in 0..<4 {
      buffer[index + 1 + place] = UInt8(truncatingIfNeeded: target >> UInt32(8 * place))
    }
  }
}

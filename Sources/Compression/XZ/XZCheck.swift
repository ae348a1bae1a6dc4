// SPDX-License-Identifier: Apache-2.0

/// The checksum of CRC polynomials up to 64 bits, reflected, by a table. Finds accidents.
struct CRC {
  private let table: [UInt64]
  private let start: UInt64
  private var state: UInt64

  /// CRC-32 of IEEE 802.3, and CRC-64 of ECMA-182, as .xz uses them.
  static let ieee: CRC = CRC(polynomial: 0xEDB8_8320, start: UInt64(UInt32.max))
  static let ecma: CRC = CRC(polynomial: 0xC96C_5795_D787_0F42, start: .max)

  private init(polynomial: UInt64, start: UInt64) {
    var table: [UInt64] = []
    table.reserveCapacity(256)
    for byte in 0..<UInt64(256) {
      var value = byte
      for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ polynomial }
      table.append(value)
    }
    self.table = table
    self.start = start
    state = start
  }

  mutating func update(_ bytes: Span<UInt8>) {
    var state = self.state
    unsafe table.withUnsafeBufferPointer { table in
      unsafe bytes.withUnsafeBufferPointer { bytes in
        for index in 0..<bytes.count {
          let place = unsafe UInt8(truncatingIfNeeded: state) ^ bytes[index]
          state = unsafe table[Int(place)] ^ state >> 8
        }
      }
    }
    self.state = state
  }

  mutating func update(_ bytes: [UInt8]) { update(bytes.span) }

  var value: UInt64 { state ^ start }

  static func ieee(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var crc = ieee
    crc.update(bytes.span)
    return crc.value
  }
}

/// What a block of an .xz file ends with, over what comes out of it. SHA-256 and the kinds that are
/// only reserved are passed over: those who need more than luck hash the content themselves.
/// The .xz file format 1.1.0, 2.1.1.2.
enum XZCheck {
  case none(byteCount: Int)
  case crc32(CRC)
  case crc64(CRC)

  init?(_ kind: UInt8) {
    switch kind {
    case 1: self = .crc32(.ieee)
    case 4: self = .crc64(.ecma)
    case 0: self = .none(byteCount: 0)
    case 1...15: self = .none(byteCount: 4 << ((Int(kind) - 1) / 3))
    default: return nil
    }
  }

  var byteCount: Int {
    switch self {
    case .none(let count): count
    case .crc32: 4
    case .crc64: 8
    }
  }

  mutating func update(_ bytes: Span<UInt8>) {
    switch self {
    case .none: return
    case .crc32(var crc):
      crc.update(bytes)
      self = .crc32(crc)
    case .crc64(var crc):
      crc.update(bytes)
      self = .crc64(crc)
    }
  }

  /// Whether `stored` is the check of what was given.
  func holds(_ stored: ArraySlice<UInt8>) -> Bool {
    switch self {
    case .none: true
    case .crc32(let crc), .crc64(let crc): littleEndian(stored) == crc.value
    }
  }
}

/// Up to eight bytes as a number, the lowest first.
func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
  bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}

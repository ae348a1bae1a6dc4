// SPDX-License-Identifier: Apache-2.0

/// File names are bytes to the kernel and `String`s here, without loss: a byte that is not part
/// of valid UTF-8 stands as the scalar U+10FF00 + byte, the last row of the last private plane.
/// The same is done to bytes that would spell such a scalar, so that the way back is exact.
/// (Python's PEP 383 does this with surrogates, which a Swift `String` cannot hold.)
public enum FileName {
  /// The bytes that a name stands for, to be shown or written as they are.
  public static func bytes(of name: String) -> [UInt8] {
    guard let encoded = encode(name) else { return Array(name.utf8) }
    return encoded.dropLast().map { UInt8(bitPattern: $0) }
  }

  static let escapeBase: UInt32 = 0x10FF00

  /// The name for bytes that the kernel gave. One copy if they are plain UTF-8.
  static func decode(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    if let valid = unsafe String(validating: bytes, as: UTF8.self), !mayHoldEscapes(valid) {
      return valid
    }
    var scalars = String.UnicodeScalarView()
    var index = 0
    while index < bytes.count {
      let length = unsafe scalarLength(bytes, at: index)
      if length > 0,
        let scalar = unsafe String(
          decoding: UnsafeBufferPointer(rebasing: bytes[index..<index + length]), as: UTF8.self
        ).unicodeScalars.first, scalar.value < escapeBase
      {
        scalars.append(scalar)
        index += length
      } else {
        let byte = unsafe bytes[index]
        if let escaped = Unicode.Scalar(escapeBase + UInt32(byte)) { scalars.append(escaped) }
        index += 1
      }
    }
    return String(scalars)
  }

  static func decode(cString: UnsafePointer<CChar>) -> String {
    var count = 0
    while unsafe cString[count] != 0 { count += 1 }
    return unsafe cString.withMemoryRebound(to: UInt8.self, capacity: count) {
      unsafe decode(UnsafeBufferPointer(start: $0, count: count))
    }
  }

  /// The bytes of a name, for the kernel; nil if the name holds no escape and can go as it is.
  static func encode(_ name: String) -> [CChar]? {
    guard mayHoldEscapes(name) else { return nil }
    var bytes: [CChar] = []
    for scalar in name.unicodeScalars {
      if scalar.value >= escapeBase + 0x80, scalar.value <= escapeBase + 0xFF {
        bytes.append(CChar(bitPattern: UInt8(scalar.value - escapeBase)))
      } else {
        bytes.append(contentsOf: UTF8.encode(scalar)!.map { CChar(bitPattern: $0) })
      }
    }
    bytes.append(0)
    return bytes
  }

  /// U+10FF00 and above begin with F4 8F BC in UTF-8; no other scalar has F4 8F.
  private static func mayHoldEscapes(_ name: String) -> Bool {
    var previous: UInt8 = 0
    for byte in name.utf8 {
      if byte == 0x8F, previous == 0xF4 { return true }
      previous = byte
    }
    return false
  }

  /// How many bytes the valid scalar at `index` takes, or 0.
  private static func scalarLength(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Int {
    let length: Int
    switch unsafe bytes[index] {
    case 0..<0x80: length = 1
    case 0xC2..<0xE0: length = 2
    case 0xE0..<0xF0: length = 3
    case 0xF0..<0xF5: length = 4
    default: return 0
    }
    guard index + length <= bytes.count else { return 0 }
    let candidate = unsafe UnsafeBufferPointer(rebasing: bytes[index..<index + length])
    return unsafe String(validating: candidate, as: UTF8.self) == nil ? 0 : length
  }
}

/// Lends `path` to a system call as the bytes that the kernel knows it by.
func withPath<R>(_ path: String, _ body: (UnsafePointer<CChar>) -> R) -> R {
  if let encoded = FileName.encode(path) {
    return unsafe encoded.withUnsafeBufferPointer { unsafe body($0.baseAddress!) }
  }
  return unsafe path.withCString(body)
}

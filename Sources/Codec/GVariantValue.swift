// SPDX-License-Identifier: Apache-2.0

/// What a GVariant is written from, and a checked one taken apart.
public indirect enum GVariantValue: Hashable, Sendable {
  case byte(UInt8)
  case boolean(Bool)
  case int16(Int16)
  case uint16(UInt16)
  case int32(Int32)
  case uint32(UInt32)
  case int64(Int64)
  case uint64(UInt64)
  case handle(Int32)
  /// The IEEE 754 bits of a `d`.
  case double(bits: UInt64)
  /// Without NUL; one inside is a mistake of the caller and traps when it is written.
  case string(String)
  case objectPath(String)
  case signature(String)
  /// An `ay`.
  case bytes([UInt8])
  case variant(GVariantValue)
  case maybe(type: String, GVariantValue?)
  /// All of `elementType`.
  case array(elementType: String, [GVariantValue])
  case tuple([GVariantValue])
  case dictEntry(GVariantValue, GVariantValue)

  /// A `u` as OSTree stores it, the bytes the other way round.
  public static func bigEndian(_ value: UInt32) -> GVariantValue { .uint32(value.byteSwapped) }

  /// A `t` as OSTree stores it, the bytes the other way round.
  public static func bigEndian(_ value: UInt64) -> GVariantValue { .uint64(value.byteSwapped) }

  /// An `a{sv}` in the order given.
  public static func dictionary(_ entries: [(String, GVariantValue)]) -> GVariantValue {
    .array(elementType: "{sv}", entries.map { .dictEntry(.string($0.0), .variant($0.1)) })
  }

  /// An `as`.
  public static func strings(_ values: [String]) -> GVariantValue {
    .array(elementType: "s", values.map { .string($0) })
  }

  /// An `aay`.
  public static func byteStrings(_ values: [[UInt8]]) -> GVariantValue {
    .array(elementType: "ay", values.map { .bytes($0) })
  }

  public var typeString: String {
    switch self {
    case .byte: "y"
    case .boolean: "b"
    case .int16: "n"
    case .uint16: "q"
    case .int32: "i"
    case .uint32: "u"
    case .int64: "x"
    case .uint64: "t"
    case .handle: "h"
    case .double: "d"
    case .string: "s"
    case .objectPath: "o"
    case .signature: "g"
    case .bytes: "ay"
    case .variant: "v"
    case .maybe(let type, _): "m" + type
    case .array(let type, _): "a" + type
    case .tuple(let members): members.reduce("(") { $0 + $1.typeString } + ")"
    case .dictEntry(let key, let value): "{" + key.typeString + value.typeString + "}"
    }
  }
}

extension GVariant {
  /// The whole value, taken apart and copied. Written again it gives the same bytes.
  public var value: GVariantValue {
    switch kind {
    case UInt8(ascii: "y"): .byte(byte)
    case UInt8(ascii: "b"): .boolean(boolean)
    case UInt8(ascii: "n"): .int16(int16)
    case UInt8(ascii: "q"): .uint16(uint16)
    case UInt8(ascii: "i"): .int32(int32)
    case UInt8(ascii: "u"): .uint32(uint32)
    case UInt8(ascii: "x"): .int64(int64)
    case UInt8(ascii: "t"): .uint64(uint64)
    case UInt8(ascii: "h"): .handle(handle)
    case UInt8(ascii: "d"): .double(bits: doubleBits)
    case UInt8(ascii: "s"): .string(string)
    case UInt8(ascii: "o"): .objectPath(string)
    case UInt8(ascii: "g"): .signature(string)
    case UInt8(ascii: "v"): .variant(variant.value)
    case UInt8(ascii: "m"): .maybe(type: type.firstChild.text, maybe?.value)
    case UInt8(ascii: "a"): arrayValue
    case UInt8(ascii: "("): .tuple(memberValues)
    default: .dictEntry(self[0].value, self[1].value)
    }
  }

  private var arrayValue: GVariantValue {
    if type.firstChild.node.kind == UInt8(ascii: "y") { return .bytes(Array(bytes)) }
    var elements: [GVariantValue] = []
    let count = count
    elements.reserveCapacity(count)
    for index in 0..<count { elements.append(self[index].value) }
    return .array(elementType: type.firstChild.text, elements)
  }

  private var memberValues: [GVariantValue] {
    var values: [GVariantValue] = []
    for member in members { values.append(member.value) }
    return values
  }
}

// SPDX-License-Identifier: Apache-2.0

/// A value in normal form: bytes that were checked, and their type.
///
/// Cheap to copy: parts share the bytes of the whole. Asking for what the type does not have is a
/// mistake of the caller and traps; nothing that the bytes hold can make an accessor trap.
public struct GVariant: Sendable {
  /// Levels of nested values, those inside variants included. GLib's limit; at this depth the
  /// check and all that recurses over a value stay below the 256 KiB stack of a worker thread.
  public static let depthMax = 128

  /// The value as it is serialised.
  public let bytes: ArraySlice<UInt8>
  public let type: GVariantType

  /// Checks all of `bytes` in one pass; any deviation from normal form throws.
  public init(_ bytes: ArraySlice<UInt8>, type: GVariantType) throws(GVariantError) {
    let span = bytes.span
    try GVariantCheck.check(span, 0..<span.count, type.table, type.index, level: 0)
    self.init(checked: bytes, type)
  }

  public init(_ bytes: [UInt8], type: GVariantType) throws(GVariantError) {
    try self.init(bytes[...], type: type)
  }

  public init(_ bytes: ArraySlice<UInt8>, type: String) throws(GVariantError) {
    guard let parsed = GVariantType(type) else { throw .type(type) }
    try self.init(bytes, type: parsed)
  }

  public init(_ bytes: [UInt8], type: String) throws(GVariantError) {
    try self.init(bytes[...], type: type)
  }

  /// Checks the value that lies at `range`, of any type, and takes nothing into memory: for values
  /// so large that their parts are looked at one by one.
  public static func check(
    _ bytes: Span<UInt8>, _ range: Range<Int>, type: GVariantType
  ) throws(GVariantError) {
    try GVariantCheck.check(bytes, range, type.table, type.index, level: 0)
  }

  init(checked bytes: ArraySlice<UInt8>, _ type: GVariantType) {
    self.bytes = bytes
    self.type = type
  }

  public var typeString: String { type.text }

  var kind: UInt8 { type.node.kind }

  private func part(_ range: Range<Int>, _ type: GVariantType) -> GVariant {
    let start = bytes.startIndex
    return GVariant(checked: bytes[start + range.lowerBound..<start + range.upperBound], type)
  }
}

// MARK: - Containers
extension GVariant {
  /// Elements of an array, members of a tuple or dict entry, 0 or 1 of a maybe.
  public var count: Int {
    switch kind {
    case UInt8(ascii: "a"):
      let size = type.firstChild.node.fixedSize
      if size > 0 { return bytes.count / size }
      return GVariantFraming.arrayTable(bytes.span, 0..<bytes.count)?.count ?? 0
    case UInt8(ascii: "m"): return bytes.isEmpty ? 0 : 1
    case UInt8(ascii: "("), UInt8(ascii: "{"): return type.node.memberCount
    default: preconditionFailure("not a container")
    }
  }

  /// An element or member. The cost does not depend on how many elements there are.
  public subscript(index: Int) -> GVariant {
    switch kind {
    case UInt8(ascii: "a"): element(index)
    case UInt8(ascii: "("), UInt8(ascii: "{"): member(index)
    default: preconditionFailure("not a container with an index")
    }
  }

  private func element(_ index: Int) -> GVariant {
    let element = type.firstChild
    let node = element.node
    if node.fixedSize > 0 {
      precondition(index >= 0 && index < bytes.count / node.fixedSize, "index out of range")
      return part(index * node.fixedSize..<(index + 1) * node.fixedSize, element)
    }
    let span = bytes.span
    guard let (count, body, width) = GVariantFraming.arrayTable(span, 0..<span.count),
      index >= 0, index < count
    else { preconditionFailure("index out of range") }
    let offset = body + index * width
    var start = 0
    if index > 0, let before = GVariantFraming.offset(span, at: offset - width, width: width) {
      start = (before + node.alignmentMask) & ~node.alignmentMask
    }
    let end = GVariantFraming.offset(span, at: offset, width: width) ?? body
    return part(start..<end, element)
  }

  private func member(_ index: Int) -> GVariant {
    let node = type.node
    precondition(index >= 0 && index < node.memberCount, "index out of range")
    var layout = GVariantMembers(bytes.span, type)
    for _ in 0..<index { _ = layout.next(bytes.span) }
    let (range, child) = layout.next(bytes.span)
    return part(range, GVariantType(table: type.table, index: child))
  }

  /// The members of a tuple or dict entry, in order.
  var members: [GVariant] {
    var layout = GVariantMembers(bytes.span, type)
    var members: [GVariant] = []
    members.reserveCapacity(type.node.memberCount)
    for _ in 0..<type.node.memberCount {
      let (range, child) = layout.next(bytes.span)
      members.append(part(range, GVariantType(table: type.table, index: child)))
    }
    return members
  }

  /// What a variant `v` holds.
  public var variant: GVariant {
    require("v")
    let span = bytes.span
    guard let separator = GVariantCheck.variantSeparator(span, 0..<span.count),
      let table = GVariantTypeTable(GVariantCheck.copy(span, separator + 1..<span.count))
    else { preconditionFailure("a checked variant has a type") }
    return part(0..<separator, GVariantType(table: table, index: 0))
  }

  /// What a maybe `mT` holds, if anything.
  public var maybe: GVariant? {
    require("m")
    if bytes.isEmpty { return nil }
    let element = type.firstChild
    return part(0..<bytes.count - (element.node.fixedSize == 0 ? 1 : 0), element)
  }

  /// The value of the first entry with this key in a dictionary with string keys; of an `a{sv}`
  /// what is inside the variant.
  public func lookup(_ key: String) -> GVariant? {
    precondition(
      kind == UInt8(ascii: "a") && type.table.nodes[type.index + 1].kind == UInt8(ascii: "{"))
    for index in 0..<count {
      let entry = element(index)
      guard entry.member(0).textBytes.elementsEqual(key.utf8) else { continue }
      let value = entry.member(1)
      return value.kind == UInt8(ascii: "v") ? value.variant : value
    }
    return nil
  }

  /// As `lookup(_:)`; nil also where the value is of another type.
  public func lookup(_ key: String, type: String) -> GVariant? {
    guard let value = lookup(key), value.type.matches(type) else { return nil }
    return value
  }
}

/// Walks over the members of a checked tuple or dict entry.
struct GVariantMembers {
  private let table: GVariantTypeTable
  private let width: Int
  private let body: Int
  private let last: Int
  private var member = 0
  private var child: Int
  private var position = 0
  private var framed = 0

  init(_ bytes: Span<UInt8>, _ type: GVariantType) {
    table = type.table
    child = type.index + 1
    last = type.node.memberCount - 1
    width = GVariantFraming.width(ofContainer: bytes.count)
    body = bytes.count - type.node.framingCount * width
  }

  /// Where the next member lies in `bytes`, and which node its type is.
  mutating func next(_ bytes: Span<UInt8>) -> (Range<Int>, Int) {
    let node = table.nodes[child]
    let start = (position + node.alignmentMask) & ~node.alignmentMask
    var end = body
    if node.fixedSize > 0 {
      end = start + node.fixedSize
    } else if member < last {
      framed += 1
      end = GVariantFraming.offset(bytes, at: bytes.count - framed * width, width: width) ?? body
    }
    defer { (member, child, position) = (member + 1, node.next, end) }
    return (start..<end, child)
  }
}

// MARK: - Basic values
extension GVariant {
  public var byte: UInt8 { UInt8(truncatingIfNeeded: integer("y")) }
  public var boolean: Bool { integer("b") == 1 }
  public var int16: Int16 { Int16(truncatingIfNeeded: integer("n")) }
  public var uint16: UInt16 { UInt16(truncatingIfNeeded: integer("q")) }
  public var int32: Int32 { Int32(truncatingIfNeeded: integer("i")) }
  public var uint32: UInt32 { UInt32(truncatingIfNeeded: integer("u")) }
  public var int64: Int64 { Int64(truncatingIfNeeded: integer("x")) }
  public var uint64: UInt64 { integer("t") }
  public var handle: Int32 { Int32(truncatingIfNeeded: integer("h")) }
  /// The IEEE 754 bits of a `d`.
  public var doubleBits: UInt64 { integer("d") }

  /// A `u` whose bytes OSTree stored the other way round.
  public var bigEndianUInt32: UInt32 { uint32.byteSwapped }
  /// A `t` whose bytes OSTree stored the other way round.
  public var bigEndianUInt64: UInt64 { uint64.byteSwapped }

  /// An `s`, `o` or `g`.
  public var string: String { String(decoding: textBytes, as: UTF8.self) }

  /// The bytes of an `s`, `o` or `g` without the NUL.
  public var textBytes: ArraySlice<UInt8> {
    precondition(
      kind == UInt8(ascii: "s") || kind == UInt8(ascii: "o") || kind == UInt8(ascii: "g"))
    return bytes.dropLast()
  }

  /// The bytes of an `ay`.
  public var byteString: ArraySlice<UInt8> {
    require("a")
    precondition(type.firstChild.node.kind == UInt8(ascii: "y"))
    return bytes
  }

  private func require(_ expected: Unicode.Scalar) {
    precondition(kind == UInt8(ascii: expected), "value of another type")
  }

  private func integer(_ expected: Unicode.Scalar) -> UInt64 {
    require(expected)
    var value: UInt64 = 0
    for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
    return value
  }
}

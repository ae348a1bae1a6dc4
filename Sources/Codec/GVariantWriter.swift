// SPDX-License-Identifier: Apache-2.0

extension GVariantValue {
  /// The value in normal form.
  ///
  /// Every value begins at a multiple of its alignment in the whole, so padding can be counted
  /// from the start of the whole, while framing offsets count from the start of their container.
  public func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return bytes
  }

  private func append(to bytes: inout [UInt8]) {
    switch self {
    case .byte(let value): bytes.append(value)
    case .boolean(let value): bytes.append(value ? 1 : 0)
    case .int16(let value): appendInteger(UInt16(bitPattern: value), &bytes)
    case .uint16(let value): appendInteger(value, &bytes)
    case .int32(let value), .handle(let value):
      appendInteger(UInt32(bitPattern: value), &bytes)
    case .uint32(let value): appendInteger(value, &bytes)
    case .int64(let value): appendInteger(UInt64(bitPattern: value), &bytes)
    case .uint64(let value), .double(let value): appendInteger(value, &bytes)
    case .string(let text), .objectPath(let text), .signature(let text):
      precondition(!text.utf8.contains(0), "a NUL ends a string")
      bytes.append(contentsOf: text.utf8)
      bytes.append(0)
    case .bytes(let value): bytes.append(contentsOf: value)
    case .variant(let value):
      value.append(to: &bytes)
      bytes.append(0)
      bytes.append(contentsOf: value.typeString.utf8)
    case .maybe(let type, let value):
      guard let value else { return }
      value.append(to: &bytes)
      if !GVariantLayout.isFixed(type) { bytes.append(0) }
    case .array(let type, let elements): GVariantValue.appendArray(type, elements, &bytes)
    case .tuple(let members): GVariantValue.appendTuple(members, &bytes)
    case .dictEntry(let key, let value): GVariantValue.appendTuple([key, value], &bytes)
    }
  }

  private func appendInteger<T: FixedWidthInteger & UnsignedInteger>(
    _ value: T, _ bytes: inout [UInt8]
  ) {
    for index in 0..<T.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: value >> T(8 * index)))
    }
  }

  private static func appendArray(
    _ type: String, _ elements: [GVariantValue], _ bytes: inout [UInt8]
  ) {
    let (start, mask) = (bytes.count, GVariantLayout.alignmentMask(type))
    let isFixed = GVariantLayout.isFixed(type)
    var ends: [Int] = []
    if !isFixed { ends.reserveCapacity(elements.count) }
    for element in elements {
      pad(mask, &bytes)
      element.append(to: &bytes)
      if !isFixed { ends.append(bytes.count - start) }
    }
    let width = GVariantFraming.width(ofBody: bytes.count - start, offsets: ends.count)
    for end in ends { GVariantFraming.append(end, width: width, to: &bytes) }
  }

  private static func appendTuple(_ members: [GVariantValue], _ bytes: inout [UInt8]) {
    let start = bytes.count
    var (mask, isFixed, ends) = (0, true, [Int]())
    for (index, member) in members.enumerated() {
      let layout = member.layout
      mask = max(mask, layout.alignmentMask)
      pad(layout.alignmentMask, &bytes)
      member.append(to: &bytes)
      if layout.isFixed { continue }
      isFixed = false
      if index < members.count - 1 { ends.append(bytes.count - start) }
    }
    if isFixed {
      members.isEmpty ? bytes.append(0) : pad(mask, &bytes)
      return
    }
    let width = GVariantFraming.width(ofBody: bytes.count - start, offsets: ends.count)
    for end in ends.reversed() { GVariantFraming.append(end, width: width, to: &bytes) }
  }

  private static func pad(_ mask: Int, _ bytes: inout [UInt8]) {
    while bytes.count & mask != 0 { bytes.append(0) }
  }

  private var layout: GVariantLayout {
    switch self {
    case .byte, .boolean: GVariantLayout(alignmentMask: 0, isFixed: true)
    case .int16, .uint16: GVariantLayout(alignmentMask: 1, isFixed: true)
    case .int32, .uint32, .handle: GVariantLayout(alignmentMask: 3, isFixed: true)
    case .int64, .uint64, .double: GVariantLayout(alignmentMask: 7, isFixed: true)
    case .string, .objectPath, .signature, .bytes:
      GVariantLayout(alignmentMask: 0, isFixed: false)
    case .variant: GVariantLayout(alignmentMask: 7, isFixed: false)
    case .maybe(let type, _), .array(let type, _):
      GVariantLayout(alignmentMask: GVariantLayout.alignmentMask(type), isFixed: false)
    case .tuple(let members):
      members.reduce(GVariantLayout(alignmentMask: 0, isFixed: true)) { $0.joined($1.layout) }
    case .dictEntry(let key, let value): key.layout.joined(value.layout)
    }
  }
}

/// What a container must know of a part.
private struct GVariantLayout {
  let alignmentMask: Int
  let isFixed: Bool

  func joined(_ other: GVariantLayout) -> GVariantLayout {
    GVariantLayout(
      alignmentMask: max(alignmentMask, other.alignmentMask), isFixed: isFixed && other.isFixed)
  }

  /// A container aligns as its most demanding part does, so every character counts.
  static func alignmentMask(_ type: String) -> Int {
    type.utf8.reduce(0) { max($0, GVariantTypeParser.alignmentMask($1)) }
  }

  /// A type is of fixed size unless anything in it is not.
  static func isFixed(_ type: String) -> Bool {
    !type.utf8.contains {
      switch $0 {
      case UInt8(ascii: "s"), UInt8(ascii: "o"), UInt8(ascii: "g"), UInt8(ascii: "v"),
        UInt8(ascii: "a"), UInt8(ascii: "m"):
        true
      default: false
      }
    }
  }
}

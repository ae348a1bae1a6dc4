// SPDX-License-Identifier: Apache-2.0
import Codec
import Testing

/// What must hold for every value and every sequence of bytes, tried with many from a seed.
@Suite struct GVariantPropertyTests {
  static let seeds: [UInt64] = [1, 2, 3, 4]

  @Test(arguments: seeds)
  func `any value is read back as it was written`(seed: UInt64) {
    var random = RandomSource(seed: seed)
    for _ in 0..<2_000 {
      let value = random.value(of: random.type(depth: 4))
      let written = value.serialized()
      #expect(parse(written, value.typeString) == .success(value))
    }
  }

  @Test(arguments: seeds)
  func `a changed byte is refused or is part of another value in normal form`(seed: UInt64) {
    var random = RandomSource(seed: seed)
    var (refused, accepted) = (0, 0)
    for _ in 0..<400 {
      let value = random.value(of: random.type(depth: 3))
      let type = value.typeString
      var changed = value.serialized()
      for position in changed.indices.prefix(64) {
        let original = changed[position]
        changed[position] ^= [1, 0x80, 0xFF, UInt8(random.below(255) + 1)][random.below(4)]
        switch parse(changed, type) {
        case .failure: refused += 1
        case .success(let found):
          accepted += 1
          #expect(found != value)
          #expect(found.serialized() == changed)
        }
        changed[position] = original
      }
    }
    #expect(refused > 1_000 && accepted > 1_000)
  }

  @Test(arguments: seeds)
  func `mutated bytes are refused or understood, and never trap`(seed: UInt64) {
    var random = RandomSource(seed: seed)
    var accepted = 0
    for _ in 0..<2_000 {
      let value = random.value(of: random.type(depth: 4))
      let type = value.typeString
      let written = value.serialized()
      for _ in 0..<8 {
        let mutated = random.mutation(of: written)
        guard case .success(let found) = parse(mutated, type) else { continue }
        accepted += 1
        #expect(found.serialized() == mutated)
      }
    }
    #expect(accepted > 100)
  }
}

extension RandomSource {
  /// A type with at most `depth` more levels.
  mutating func type(depth: Int) -> String {
    let basics = ["y", "b", "n", "q", "i", "u", "x", "t", "h", "d", "s", "o", "g"]
    if depth == 0 { return basics[below(basics.count)] }
    switch below(10) {
    case 0: return "v"
    case 1: return "m" + type(depth: depth - 1)
    case 2, 3: return "a" + type(depth: depth - 1)
    case 4: return "a{" + basics[below(basics.count)] + type(depth: depth - 1) + "}"
    case 5: return "ay"
    case 6, 7:
      return (0..<below(4)).reduce("(") { text, _ in text + type(depth: depth - 1) } + ")"
    default: return basics[below(basics.count)]
    }
  }

  mutating func value(of type: String) -> GVariantValue {
    var rest = Substring(type)
    return value(&rest, depth: 3)
  }

  /// A value of the type that `rest` begins with, which is taken off it.
  private mutating func value(_ rest: inout Substring, depth: Int) -> GVariantValue {
    switch rest.removeFirst() {
    case "y": return .byte(UInt8(truncatingIfNeeded: next()))
    case "b": return .boolean(below(2) == 1)
    case "n": return .int16(Int16(truncatingIfNeeded: next()))
    case "q": return .uint16(UInt16(truncatingIfNeeded: next()))
    case "i": return .int32(Int32(truncatingIfNeeded: next()))
    case "u": return .uint32(UInt32(truncatingIfNeeded: next()))
    case "x": return .int64(Int64(truncatingIfNeeded: next()))
    case "t": return .uint64(next())
    case "h": return .handle(Int32(truncatingIfNeeded: next()))
    case "d": return .double(bits: next())
    case "s": return .string(["", "a", "hello", "größe", "😀", "x y"][below(6)])
    case "o": return .objectPath(["/", "/a", "/a/b_2"][below(3)])
    case "g": return .signature(["", "s", "a{sv}", "(ii)u"][below(4)])
    case "v": return .variant(value(of: self.type(depth: depth > 0 ? 1 : 0)))
    case "m":
      let element = complete(rest)
      let value = value(&rest, depth: depth - 1)
      return .maybe(type: element, below(3) == 0 ? nil : value)
    case "a":
      let element = complete(rest)
      if element == "y" {
        rest.removeFirst()
        return .bytes((0..<below(9)).map { _ in UInt8(truncatingIfNeeded: next()) })
      }
      let elements = (0..<below(below(20) == 0 ? 90 : 4)).map { _ in value(of: element) }
      rest.removeFirst(element.count)
      return .array(elementType: element, elements)
    case "{":
      let key = value(&rest, depth: depth)
      let value = value(&rest, depth: depth)
      rest.removeFirst()
      return .dictEntry(key, value)
    default:
      var members: [GVariantValue] = []
      while rest.first != ")" { members.append(value(&rest, depth: depth)) }
      rest.removeFirst()
      return .tuple(members)
    }
  }

  /// The one complete type at the front of `text`.
  private func complete(_ text: Substring) -> String {
    var open = 0
    var index = text.startIndex
    while index < text.endIndex {
      let character = text[index]
      index = text.index(after: index)
      if character == "(" || character == "{" { open += 1 }
      if character == ")" || character == "}" { open -= 1 }
      if open == 0, character != "a", character != "m" { break }
    }
    return String(text[..<index])
  }
}

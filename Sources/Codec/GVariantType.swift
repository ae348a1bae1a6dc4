// SPDX-License-Identifier: Apache-2.0

/// The type of a GVariant, parsed once and shared by all values below it.
///
/// Shape: the nodes of the type string in the order in which they are written, so a container's
/// first child is the node after it and each node knows where its next sibling is.
public struct GVariantType: Sendable {
  /// Type strings come with the data. The longest of OSTree's has 40 characters; the limit keeps
  /// every size that follows from a type string (at most 16 bytes a character) far from overflow.
  public static let textCountMax = 4096

  let table: GVariantTypeTable
  /// Which node of the table this type is.
  let index: Int

  /// Nil unless `text` is one complete, definite type.
  public init?(_ text: String) {
    guard let table = GVariantTypeTable(Array(text.utf8)) else { return nil }
    self.init(table: table, index: 0)
  }

  init(table: GVariantTypeTable, index: Int) {
    self.table = table
    self.index = index
  }

  var node: GVariantTypeNode { table.nodes[index] }

  public var text: String { String(decoding: textBytes, as: UTF8.self) }

  var textBytes: ArraySlice<UInt8> { table.text[node.textStart..<node.textEnd] }

  /// Whether this is the type that `text` says.
  public func matches(_ text: String) -> Bool { textBytes.elementsEqual(text.utf8) }

  /// The element of an array or maybe, the first member of a tuple or dict entry.
  var firstChild: GVariantType { GVariantType(table: table, index: index + 1) }
}

/// One type inside a type string.
struct GVariantTypeNode: Sendable {
  /// The type's character; `(` for a tuple and `{` for a dict entry.
  var kind: UInt8
  /// Alignment in bytes less one: 0, 1, 3 or 7.
  var alignmentMask = 0
  /// In bytes; 0 where values differ in size.
  var fixedSize = 0
  /// Any bytes of the fixed size are a value in normal form.
  var isPlain = false
  /// Levels of values, this one included, without those inside variants.
  var depth = 1
  var textStart: Int
  var textEnd = 0
  /// The node behind this one and all below it.
  var next = 0
  var memberCount = 0
  /// Framing offsets of a tuple: one for each member of variable size that is not the last.
  var framingCount = 0
}

final class GVariantTypeTable: Sendable {
  let text: [UInt8]
  let nodes: [GVariantTypeNode]

  /// Nil unless `text` is one complete, definite type.
  init?(_ text: [UInt8]) {
    guard text.count <= GVariantType.textCountMax else { return nil }
    var parser = GVariantTypeParser(text: text)
    guard parser.parseType(room: GVariant.depthMax), parser.position == text.count else {
      return nil
    }
    self.text = text
    self.nodes = parser.nodes
  }
}

/// Reads a type string: `b y n q i u x t h d s o g v`, `aT`, `mT`, `(T…)`, `{BT}` with B basic.
struct GVariantTypeParser {
  let text: [UInt8]
  var position = 0
  var nodes: [GVariantTypeNode] = []

  init(text: [UInt8]) {
    self.text = text
    nodes.reserveCapacity(text.count)
  }

  /// Reads one complete type of at most `room` levels; false if there is none here.
  mutating func parseType(room: Int) -> Bool {
    guard room > 0, position < text.count else { return false }
    let index = nodes.count
    nodes.append(GVariantTypeNode(kind: text[position], textStart: position))
    position += 1
    let isComplete =
      switch nodes[index].kind {
      case UInt8(ascii: "a"), UInt8(ascii: "m"): parseElement(of: index, room: room)
      case UInt8(ascii: "("): parseMembers(of: index, room: room)
      case UInt8(ascii: "{"): parseEntry(of: index, room: room)
      default: describeBasic(index)
      }
    nodes[index].textEnd = position
    nodes[index].next = nodes.count
    return isComplete
  }

  private mutating func parseElement(of index: Int, room: Int) -> Bool {
    guard parseType(room: room - 1) else { return false }
    nodes[index].alignmentMask = nodes[index + 1].alignmentMask
    nodes[index].depth = nodes[index + 1].depth + 1
    return true
  }

  private mutating func parseMembers(of index: Int, room: Int) -> Bool {
    while position < text.count {
      if text[position] == UInt8(ascii: ")") {
        position += 1
        layOut(index)
        return true
      }
      guard parseType(room: room - 1) else { return false }
      nodes[index].memberCount += 1
    }
    return false
  }

  private mutating func parseEntry(of index: Int, room: Int) -> Bool {
    guard position < text.count, GVariantTypeParser.isBasic(text[position]),
      parseType(room: room - 1), parseType(room: room - 1),
      position < text.count, text[position] == UInt8(ascii: "}")
    else { return false }
    position += 1
    nodes[index].memberCount = 2
    layOut(index)
    return true
  }

  /// Alignment, size and framing of a tuple or dict entry from its members.
  private mutating func layOut(_ index: Int) {
    var node = nodes[index]
    var (size, plainSize, isFixed, isPlain) = (0, 0, true, node.memberCount > 0)
    var child = index + 1
    for member in 0..<node.memberCount {
      let found = nodes[child]
      node.alignmentMask = max(node.alignmentMask, found.alignmentMask)
      node.depth = max(node.depth, found.depth + 1)
      if found.fixedSize == 0 {
        isFixed = false
        if member < node.memberCount - 1 { node.framingCount += 1 }
      }
      size = ((size + found.alignmentMask) & ~found.alignmentMask) + found.fixedSize
      plainSize += found.fixedSize
      isPlain = isPlain && found.isPlain
      child = found.next
    }
    if isFixed {
      size = (size + node.alignmentMask) & ~node.alignmentMask
      node.fixedSize = max(size, 1)  // the empty tuple is one zero byte
      node.isPlain = isPlain && plainSize == size
    }
    nodes[index] = node
  }

  private mutating func describeBasic(_ index: Int) -> Bool {
    guard let size = GVariantTypeParser.basicSize(nodes[index].kind) else { return false }
    nodes[index].fixedSize = size
    nodes[index].alignmentMask = GVariantTypeParser.alignmentMask(nodes[index].kind)
    nodes[index].isPlain = size > 0 && nodes[index].kind != UInt8(ascii: "b")
    return true
  }

  private static func isBasic(_ kind: UInt8) -> Bool {
    kind != UInt8(ascii: "v") && basicSize(kind) != nil
  }

  /// In bytes, 0 for the types of variable size, nil for what is not a type of one character.
  static func basicSize(_ kind: UInt8) -> Int? {
    switch kind {
    case UInt8(ascii: "y"), UInt8(ascii: "b"): 1
    case UInt8(ascii: "n"), UInt8(ascii: "q"): 2
    case UInt8(ascii: "i"), UInt8(ascii: "u"), UInt8(ascii: "h"): 4
    case UInt8(ascii: "x"), UInt8(ascii: "t"), UInt8(ascii: "d"): 8
    case UInt8(ascii: "s"), UInt8(ascii: "o"), UInt8(ascii: "g"), UInt8(ascii: "v"): 0
    default: nil
    }
  }

  /// What one character of a type string asks for. The alignment of a whole type is the greatest
  /// of its characters'.
  static func alignmentMask(_ kind: UInt8) -> Int {
    switch kind {
    case UInt8(ascii: "v"): 7
    case let kind: max((basicSize(kind) ?? 0) - 1, 0)
    }
  }
}

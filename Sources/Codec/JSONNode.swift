// SPDX-License-Identifier: Apache-2.0

/// One value of a `JSONDocument`. Cheap to copy: it shares the document.
///
/// Asking for what the value is not gives nil, or no elements; nothing that a document holds makes
/// an accessor trap. Every walk goes over the bytes again and costs what lies in between.
public struct JSONNode: Sendable {
  public enum Kind: Hashable, Sendable {
    case object, array, string, number, boolean, null
  }

  /// The largest whole number, up or down, that every reader of JSON takes: 2^53 - 1. RFC 8259, 6.
  public static let integerMax: Int64 = 9_007_199_254_740_991

  public let document: JSONDocument
  let position: Int

  private var text: JSONText { document.text }

  public var kind: Kind {
    switch text.bytes[position] {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
    case UInt8(ascii: "n"): .null
    default: .number
    }
  }
}

// MARK: - Plain values
extension JSONNode {
  /// What a string says, escapes replaced. Nil for another kind.
  public var string: String? { kind == .string ? text.string(at: position) : nil }

  /// Whether this is a string that says `other`, code point for code point. Takes no memory in
  /// proportion to the string.
  public func equals(_ other: String) -> Bool {
    kind == .string && text.isString(position, Array(other.utf8))
  }

  /// A whole number from `-integerMax` to `integerMax`. Nil for another kind, and for more.
  public var integer: Int64? {
    guard kind == .number else { return nil }
    let isNegative = text.bytes[position] == UInt8(ascii: "-")
    var magnitude: Int64 = 0
    for index in (isNegative ? position + 1 : position)..<text.end(ofValueAt: position) {
      magnitude = magnitude * 10 + Int64(text.bytes[index] - UInt8(ascii: "0"))
      if magnitude > JSONNode.integerMax { return nil }
    }
    return isNegative ? -magnitude : magnitude
  }

  /// Nil for another kind.
  public var boolean: Bool? {
    kind == .boolean ? text.bytes[position] == UInt8(ascii: "t") : nil
  }

  public var isNull: Bool { kind == .null }
}

// MARK: - Arrays and objects
extension JSONNode {
  /// How many elements or members; 0 for another kind. Walks over all of them.
  public var count: Int {
    var count = 0
    var next = firstItem
    while let item = next {
      count += 1
      next = text.item(after: value(of: item))
    }
    return count
  }

  /// The value of the member of this name; nil if there is none, or if this is no object. Walks
  /// over the members before it and takes no memory for them.
  public subscript(_ name: String) -> JSONNode? {
    guard kind == .object else { return nil }
    let wanted = Array(name.utf8)
    var next = firstItem
    while let item = next {
      let value = text.value(of: item)
      if text.isString(item, wanted) { return JSONNode(document: document, position: value) }
      next = text.item(after: value)
    }
    return nil
  }

  /// The elements in order; none for another kind than an array.
  public var elements: JSONElements {
    JSONElements(document: document, next: kind == .array ? firstItem : nil)
  }

  /// The members in the order of the document; none for another kind than an object.
  public var members: JSONMembers {
    JSONMembers(document: document, next: kind == .object ? firstItem : nil)
  }

  private var firstItem: Int? {
    kind == .object || kind == .array ? text.firstItem(of: position) : nil
  }

  /// The value that stands at `item` of this array, or that the member at `item` has.
  private func value(of item: Int) -> Int { kind == .object ? text.value(of: item) : item }
}

/// The elements of an array.
public struct JSONElements: Sequence, IteratorProtocol, Sendable {
  private let document: JSONDocument
  private var position: Int?

  init(document: JSONDocument, next: Int?) {
    self.document = document
    position = next
  }

  public mutating func next() -> JSONNode? {
    guard let element = position else { return nil }
    position = document.text.item(after: element)
    return JSONNode(document: document, position: element)
  }
}

/// The members of an object.
public struct JSONMembers: Sequence, IteratorProtocol, Sendable {
  private let document: JSONDocument
  private var position: Int?

  init(document: JSONDocument, next: Int?) {
    self.document = document
    position = next
  }

  public mutating func next() -> (name: String, value: JSONNode)? {
    guard let name = position else { return nil }
    let value = document.text.value(of: name)
    position = document.text.item(after: value)
    return (document.text.string(at: name), JSONNode(document: document, position: value))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Foundation
import Support
import Testing

/// What must hold for every value and every sequence of bytes, tried with many from a seed.
@Suite struct JSONPropertyTests {
  static let letters = ["", "a", "b", "\"", "\\", "\n", "\u{0}", "\u{7F}", "é", "\u{FFEE}", "🚗"]

  static func value(_ random: inout RandomSource, depth: Int = 0) -> JSONValue {
    func text(_ random: inout RandomSource) -> String {
      (0..<random.below(4)).map { _ in letters[random.below(letters.count)] }.joined()
    }
    switch random.below(depth < 5 ? 8 : 5) {
    case 0: return .null
    case 1: return .boolean(random.below(2) == 0)
    case 2: return .integer(Int64(random.below(1 << 50)) - 1 << 49)
    case 3, 4: return .string(text(&random))
    case 5: return .array((0..<random.below(5)).map { _ in value(&random, depth: depth + 1) })
    default:
      var names: Set<[UInt8]> = []
      var members: [(String, JSONValue)] = []
      for _ in 0..<random.below(6) {
        let name = text(&random)
        guard names.insert(Array(name.utf8)).inserted else { continue }
        members.append((name, value(&random, depth: depth + 1)))
      }
      return .object(members)
    }
  }

  /// What `node` says, made anew by its accessors.
  static func copy(_ node: JSONNode) -> JSONValue {
    switch node.kind {
    case .object: .object(node.members.map { ($0.name, copy($0.value)) })
    case .array: .array(node.elements.map(copy))
    case .string: .string(node.string ?? "?")
    case .number: .integer(node.integer ?? .min)
    case .boolean: .boolean(node.boolean ?? false)
    case .null: .null
    }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `any value is read back as it was written`(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    for _ in 0..<2000 {
      let text = Self.value(&random).serialized()
      let root = try parse(text)
      #expect(Self.copy(root).serialized() == text)
      for member in root.members {
        #expect(
          root[member.name].map { Self.copy($0).serialized() }
            == Self.copy(member.value).serialized())
      }
      #expect(
        root.count
          == (root.kind == .object
            ? root.members.map { $0 }.count
            : root.elements.map { $0 }.count))
    }
  }

  @Test(arguments: [4, 5] as [UInt64])
  func `canonical form is that of another writer, and its own canonical form`(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    for _ in 0..<1000 {
      let text = Self.value(&random).serialized()
      let root = try parse(text)
      let olpc = root.canonical(.olpc)
      #expect(
        olpc
          == Self.olpc(
            try JSONSerialization.jsonObject(
              with: Data(text.utf8), options: .fragmentsAllowed)), "\(text)")
      for form in [CanonicalForm.otaASCII, .otaUTF8] {
        let once = root.canonical(form)
        let again = try JSONDocument(parsing: once).root
        #expect(again.canonical(form) == once)
        #expect(again.canonical(.olpc) == olpc)
      }
    }
  }

  /// The form by Foundation's values, as the OLPC page has it.
  static func olpc(_ value: Any) -> [UInt8] {
    func quoted(_ text: String) -> String {
      "\""
        + text.replacingOccurrences(of: "\\", with: "\\\\", options: .literal)
        .replacingOccurrences(of: "\"", with: "\\\"", options: .literal) + "\""
    }
    func joined(_ parts: [[UInt8]]) -> [UInt8] { Array(parts.joined(separator: [0x2C])) }
    switch value {
    case let object as [String: Any]:
      let members = object.map { (Array(quoted($0.key).utf8), Array($0.key.utf8), olpc($0.value)) }
        .sorted { $0.1.lexicographicallyPrecedes($1.1) }
      return [0x7B] + joined(members.map { $0.0 + [0x3A] + $0.2 }) + [0x7D]
    case let array as [Any]: return [0x5B] + joined(array.map(olpc)) + [0x5D]
    case let text as String: return Array(quoted(text).utf8)
    case let number as NSNumber:
      // A boolean is a number to Foundation, of the type `char`.
      if unsafe number.objCType.pointee == 0x63 {
        return Array((number.boolValue ? "true" : "false").utf8)
      }
      return Array(String(number.int64Value).utf8)
    default: return Array("null".utf8)
    }
  }

  @Test func `hostile bytes are a value or an error`() throws {
    var samples = try CanonicalJSONTests.vectors().map { Array($0.json.utf8) }
    samples.append(
      Array("{\"s\":[\"\(String(repeating: "a\\u0041é", count: 200))\",{\"b\":1,\"a\":-0}]}".utf8))
    var random = RandomSource(seed: 6)
    var (refused, accepted) = (0, 0)
    for sample in samples {
      for _ in 0..<500 {
        let text = random.mutation(of: sample)
        guard let document = try? JSONDocument(parsing: text) else {
          refused += 1
          continue
        }
        accepted += 1
        let root = document.root
        _ = Self.copy(root)
        let canonical = root.canonical(.otaASCII)
        #expect(try JSONDocument(parsing: canonical).root.canonical(.otaASCII) == canonical)
        #expect(root.canonical(.olpc).isEmpty == false && root.canonical(.otaUTF8).isEmpty == false)
        let other = try? JSONSerialization.jsonObject(
          with: Data(text), options: .fragmentsAllowed)
        #expect(other != nil, "Foundation refuses \(String(decoding: text, as: UTF8.self))")
      }
    }
    #expect(refused > 7000 && accepted > 500)
  }
}

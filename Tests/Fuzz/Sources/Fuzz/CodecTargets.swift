// SPDX-License-Identifier: Apache-2.0
import Codec

extension FuzzTarget {
  static let codecTargets = [
    FuzzTarget(name: "json") { bytes in
      guard let document = try? JSONDocument(parsing: bytes) else { return }
      require(document.bytes == bytes, "a document keeps its bytes")
      visit(document.root)
    },
    FuzzTarget(name: "canonical-json") { bytes in
      guard let root = try? JSONDocument(parsing: bytes).root else { return }
      for form in CanonicalForm.allCases {
        let once = root.canonical(form)
        var pieces: [UInt8] = []
        root.canonical(form) { piece in
          for index in piece.indices { pieces.append(piece[index]) }
        }
        require(pieces == once, "pieces are the whole")
        if form == .olpc { continue }
        let again = try? JSONDocument(parsing: once).root
        require(again?.canonical(form) == once, "a canonical form is its own canonical form")
        require(again?.canonical(.olpc) == root.canonical(.olpc), "and says the same")
      }
      if root.document.isPlainASCII {
        require(root.canonical(.otaASCII) == root.canonical(.otaUTF8), "plain ASCII has one form")
      }
    },
    FuzzTarget(name: "keyfile") { bytes in
      guard var file = try? Keyfile(parsing: bytes) else { return }
      require(file.serialized() == bytes, "an unchanged keyfile is what was read")
      for group in file.groups {
        for key in file.keys(in: group) {
          _ = (file.string(group, key), file.list(group, key), file.line(of: group, key))
          _ = (try? file.boolean(group, key), try? file.integer(group, key))
          file.set(group, key, to: file.string(group, key) ?? "")
        }
      }
      require((try? Keyfile(parsing: file.serialized())) != nil, "what is written is read")
      for group in file.groups { file.remove(group: group) }
    },
    FuzzTarget(name: "gvariant") { bytes in
      // The type, a NUL, the value.
      let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return }
      let type = String(decoding: parts[0], as: UTF8.self)
      guard let value = try? GVariant(Array(parts[1]), type: type) else { return }
      require(value.value.serialized() == Array(parts[1]), "normal form is what we write")
    },
    FuzzTarget(name: "text") { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      if let decoded = Hex.decode(text) { require(Hex.encode(decoded.span) == text, "hex") }
      if let decoded = Base64.decode(text) {
        require(Base64.encode(decoded.span) == text, "base64")
      }
      _ = PEM.blocks(of: text)
      if let seconds = Timestamp.parse(text) {
        require(Timestamp.parse(Timestamp.text(seconds: seconds)) == seconds, "time")
      }
    },
  ]

  /// Asks a node for everything that it may be.
  private static func visit(_ node: JSONNode) {
    if let text = node.string { require(node.equals(text), "a string equals itself") }
    _ = (node.integer, node.boolean, node.isNull)
    var count = 0
    for element in node.elements {
      visit(element)
      count += 1
    }
    for (name, value) in node.members {
      // Finding each by its name costs a walk over those before it.
      if count < 50 { require(node[name]?.kind == value.kind, "a member is found by its name") }
      visit(value)
      count += 1
    }
    require(count == node.count, "there are as many as are counted")
  }
}

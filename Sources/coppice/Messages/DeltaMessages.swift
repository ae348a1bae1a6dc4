// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree
import Pull

extension DeltaFault {
  /// Behind the name of the delta.
  var words: String {
    switch self {
    case .superblock(let error): "its superblock is malformed: \(error.words)"
    case .otherName(let name): "its superblock is that of '\(name.text)'"
    case .missing(let file): "'\(file)' is not there"
    case .part(let file, let found): "part '\(file)' has checksum \(found.hex)"
    case .tooLarge(let quantity, let needed, let limit):
      needed.map { "\(quantity.words) has \($0) bytes, and may have \(limit)" }
        ?? "\(quantity.words) has more than \(limit) bytes"
    case .compression(let kind): "a part is packed in an unknown way, \(kind)"
    case .packed: "the packed bytes of a part are damaged"
    case .filter: "a part is packed with a filter that coppice does not have"
    case .layout: "a part is malformed"
    case .operation(let code): "a part has the unknown operation \(DeltaFault.letter(code))"
    case .arguments(let code):
      "operation \(DeltaFault.letter(code)) of a part refers to what is not there"
    case .object(let name, let found):
      "what should be object '\(name.path)' has checksum \(found.hex)"
    case .content(let name, let error): "object '\(name.path)' is malformed: \(error.words)"
    case .source(let name): "object '\(name.path)', which it starts from, is not here"
    case .strange(let name): "object '\(name.path)' may not be in a part"
    case .count: "a part has more or fewer objects than it lists"
    case .room: "the file system has no room for what it needs besides the objects"
    case .archive: "a repo of mode 'archive' cannot take it"
    case .start(let commit): "commit '\(commit.hex)', which it starts from, is not here"
    case .unsigned: "it is not signed"
    case .signature: "no signature of it was made by a trusted key"
    case .incomplete(let name): "object '\(name.path)' of its commit is not in it, and not here"
    case .fallbacks(let count):
      count == 1 ? "one of its objects is not in it" : "\(count) of its objects are not in it"
    }
  }

  /// Where no object can be had one by one.
  func message(_ path: String) -> Message {
    let text = "cannot apply static delta '\(path)': \(words)"
    switch self {
    case .start:
      return Message(
        .failed, "delta-start-missing", text, hint: "pull or apply that commit first", path: path)
    case .fallbacks:
      return Message(
        .failed, "delta-has-fallbacks", text,
        hint: "make it with '--min-fallback-size=0' or with '--inline'", path: path)
    case .archive: return Message(.failed, "delta-needs-files", text, path: path)
    case .tooLarge: return Message(.failed, "delta-too-large", text, path: path)
    case .missing: return Message(.failed, "delta-part-missing", text, path: path)
    case .room: return Message(.space, "no-space", text, path: path)
    case .unsigned: return Message(.refused, "delta-unsigned", text, path: path)
    case .signature: return Message(.refused, "delta-signature-refused", text, path: path)
    default: return Message(.refused, "delta-refused", text, path: path)
    }
  }

  private static func letter(_ code: UInt8) -> String {
    (0x21..<0x7F).contains(code) ? "'\(Character(Unicode.Scalar(code)))'" : "\(code)"
  }
}

extension DeltaQuantity {
  fileprivate var words: String {
    switch self {
    case .superblock: "the superblock"
    case .part: "a part"
    case .unpackedPart: "a part, unpacked,"
    case .dictionary: "the dictionary of a part"
    }
  }
}

/// Static deltas in words and in JSON.
enum DeltaText {
  /// Says which were used and which were not.
  static func show(_ deltas: [DeltaReport], _ session: Session) {
    for delta in deltas {
      let name = delta.name.text
      if let fault = delta.fault {
        session.terminal.warn(
          "static delta '\(name)' is passed over for its objects: \(fault.words)")
      } else {
        session.terminal.debug(
          "static delta '\(name)': \(parts(delta)), \(HumanSize.text(delta.bytes)), "
            + "\(delta.objects) objects")
      }
    }
  }

  private static func parts(_ delta: DeltaReport) -> String {
    delta.parts == 1 ? "1 part" : "\(delta.parts) parts"
  }

  /// In a plan: what would come in place of most objects.
  static func lines(_ deltas: [DeltaReport]) -> [String] {
    deltas.filter { $0.fault == nil }.map {
      "by delta:    \(parts($0)), \(HumanSize.text($0.bytes)), for all objects in it"
    }
  }

  static func member(_ deltas: [DeltaReport]) -> JSONValue {
    .array(
      deltas.map { delta in
        .object([
          ("from", .string(orNull: delta.name.from?.hex)), ("to", .string(delta.name.to.hex)),
          ("parts", .unsigned(delta.parts)), ("bytes", .unsigned(delta.bytes)),
          ("objects", .unsigned(delta.objects)),
          ("passed_over", .string(orNull: delta.fault?.words)),
        ])
      })
  }

  /// Of `update` and `plan`; `pull` has it as well.
  static let option = Option("disable-static-deltas", help: "fetch objects alone, no deltas")
}

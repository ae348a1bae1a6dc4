// SPDX-License-Identifier: Apache-2.0
import Codec

// Codec knows no files: these are the words for what is wrong, to stand behind the name of one.
extension KeyfileError {
  /// For example "line 3 is no 'key=value'".
  var words: String {
    switch self {
    case .notALine(let line): "line \(line) is neither '[group]' nor 'key=value'"
    case .groupName(let line): "line \(line) has no proper group name"
    case .keyName(let line): "line \(line) has no proper key"
    case .beforeFirstGroup(let line): "line \(line) stands before the first '[group]'"
    case .notText(let line): "line \(line) is not UTF-8 text"
    case .notBoolean(let line, let value): "line \(line) says '\(value)' for true or false"
    case .notInteger(let line, let value): "line \(line) says '\(value)' for a number"
    }
  }
}

extension GVariantError {
  var words: String {
    switch self {
    case .type(let type): "no such type '\(type)'"
    case .size(let at): "wrong length at byte \(at)"
    case .boolean(let at): "bad boolean at byte \(at)"
    case .string(let at): "bad string at byte \(at)"
    case .objectPath(let at): "bad object path at byte \(at)"
    case .signature(let at): "bad signature at byte \(at)"
    case .padding(let at): "bad padding at byte \(at)"
    case .offset(let at): "bad offset at byte \(at)"
    case .framing(let at): "bad framing at byte \(at)"
    case .variantType(let at): "bad variant at byte \(at)"
    case .depth(let at): "nested too deeply at byte \(at)"
    }
  }
}

extension JSONError {
  var words: String {
    switch self {
    case .tooLarge(let byteCount): "\(byteCount) bytes are more than is read"
    case .notText(let at): "no UTF-8 text at byte \(at)"
    case .unexpected(let at): "no JSON at byte \(at)"
    case .trailing(let at): "something behind the end at byte \(at)"
    case .number(let at): "no whole number at byte \(at)"
    case .string(let at): "bad string at byte \(at)"
    case .surrogate(let at): "half of a surrogate pair at byte \(at)"
    case .duplicateName(let at): "a name for the second time at byte \(at)"
    case .depth(let at): "nested too deeply at byte \(at)"
    }
  }
}

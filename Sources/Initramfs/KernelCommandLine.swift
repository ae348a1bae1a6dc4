// SPDX-License-Identifier: Apache-2.0
import Linux

/// What the kernel was told, taken apart as the kernel does it: `parse_args` and `next_arg` of
/// kernel/params.c and lib/cmdline.c.
///
/// Parameters are separated by blanks outside of double quotes. Quotes around a value or around the
/// whole parameter are not part of it. `-` and `_` are the same in names. `--` ends the parameters;
/// what follows is for init.
public struct KernelCommandLine: Hashable, Sendable {
  public struct Parameter: Hashable, Sendable {
    public let name: String
    /// Nil where there is no `=`.
    public let value: String?
  }

  public static let path = "/proc/cmdline"
  /// Far above what any kernel takes.
  private static let bytesMax = 64 << 10

  /// That of the running kernel.
  public static func current() throws(InitramfsError) -> KernelCommandLine {
    let text = try at(path) { () throws(Errno) in
      try FileDescriptor.open(path).readAll(limit: bytesMax)
    }
    return KernelCommandLine(parsing: String(decoding: text, as: UTF8.self))
  }

  /// In order; several may have the same name.
  public private(set) var parameters: [Parameter] = []

  public init(parsing text: String) {
    var rest = Array(text.utf8)[...]
    while let word = KernelCommandLine.nextWord(&rest) {
      if word.elementsEqual([UInt8(ascii: "-"), UInt8(ascii: "-")]) { return }
      parameters.append(KernelCommandLine.parameter(word))
    }
  }

  /// The value of the last parameter of this name, as the kernel takes it for most of its own.
  /// Empty for one without `=`.
  public func value(of name: String) -> String? {
    parameters.last { isSame($0.name, name) }.map { $0.value ?? "" }
  }

  /// The value of the first one, as libostree takes `ostree=`.
  public func firstValue(of name: String) -> String? {
    parameters.first { isSame($0.name, name) }.map { $0.value ?? "" }
  }

  public func contains(_ name: String) -> Bool { parameters.contains { isSame($0.name, name) } }

  /// What stands after `MODULE.` in the names of parameters, with their values: the kernel leaves
  /// those of a module that is not built in to whoever loads it.
  public func parameters(ofModule module: String) -> [String] {
    let prefix = Array("\(module).".utf8)
    return parameters.compactMap { parameter in
      let name = Array(parameter.name.utf8)
      guard name.count > prefix.count,
        zip(name, prefix).allSatisfy({ folded($0) == folded($1) })
      else { return nil }
      let key = String(decoding: name[prefix.count...], as: UTF8.self)
      guard let value = parameter.value else { return key }
      let hasBlank = value.utf8.contains { isBlank($0) }
      return hasBlank ? "\(key)=\"\(value)\"" : "\(key)=\(value)"
    }
  }

  /// One word with its quotes; nil at the end.
  private static func nextWord(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    rest = rest.drop(while: isBlank)
    if rest.isEmpty { return nil }
    var isQuoted = false
    var end = rest.startIndex
    while end < rest.endIndex, isQuoted || !isBlank(rest[end]) {
      if rest[end] == quote { isQuoted.toggle() }
      end += 1
    }
    let word = rest[..<end]
    rest = rest[end...]
    return word
  }

  private static func parameter(_ quoted: ArraySlice<UInt8>) -> Parameter {
    var word = quoted
    let isQuoted = word.first == quote
    if isQuoted { word.removeFirst() }
    guard let equals = word.firstIndex(of: UInt8(ascii: "=")) else {
      if isQuoted, word.last == quote { word.removeLast() }
      return Parameter(name: String(decoding: word, as: UTF8.self), value: nil)
    }
    var value = word[(equals + 1)...]
    let isValueQuoted = value.first == quote
    if isValueQuoted { value.removeFirst() }
    if isQuoted || isValueQuoted, value.last == quote { value.removeLast() }
    return Parameter(
      name: String(decoding: word[..<equals], as: UTF8.self),
      value: String(decoding: value, as: UTF8.self))
  }
}

private let quote = UInt8(ascii: "\"")

/// isspace(3) in the C locale.
private func isBlank(_ byte: UInt8) -> Bool {
  byte == UInt8(ascii: " ") || (byte >= 9 && byte <= 13)
}

private func folded(_ byte: UInt8) -> UInt8 {
  byte == UInt8(ascii: "-") ? UInt8(ascii: "_") : byte
}

/// Whether two names of parameters are the same to the kernel (`parameq`).
private func isSame(_ first: String, _ second: String) -> Bool {
  first.utf8.count == second.utf8.count
    && zip(first.utf8, second.utf8).allSatisfy { folded($0) == folded($1) }
}

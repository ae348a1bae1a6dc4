// SPDX-License-Identifier: Apache-2.0
import Linux

/// The arguments of a kernel, in order. Several may have the same key.
///
/// As libostree reads them: separated by blanks outside of double quotes; the key is what stands
/// before the first `=`. The quotes stay part of the argument.
public struct KernelArguments: Hashable, Sendable {
  /// The key of the argument by which the initramfs finds the deployment.
  public static let deploymentKey = "ostree"

  public private(set) var arguments: [String] = []

  public init() {}

  public init(parsing text: String) {
    var argument: [UInt8] = []
    var isQuoted = false
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if !isQuoted, KernelArguments.isBlank(byte) {
        take(&argument)
      } else {
        argument.append(byte)
      }
    }
    take(&argument)
  }

  private mutating func take(_ argument: inout [UInt8]) {
    if argument.isEmpty { return }
    arguments.append(String(decoding: argument, as: UTF8.self))
    argument.removeAll(keepingCapacity: true)
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n")
  }

  /// As they stand on one line.
  public var text: String { arguments.joined(separator: " ") }

  public var isEmpty: Bool { arguments.isEmpty }

  /// Whether any argument has this key.
  public func contains(key: String) -> Bool { arguments.contains { hasKey($0, key) } }

  /// The value of the first argument with this key; empty for one without `=`.
  public func value(of key: String) -> String? {
    arguments.first { hasKey($0, key) }.map(KernelArguments.value)
  }

  /// Replaces all arguments with the key of `argument` by this one, in the place of the first of
  /// them; appends it if there is none. `--karg` of `ostree admin deploy`.
  public mutating func replace(_ argument: String) {
    let key = KernelArguments.key(argument)
    guard let first = arguments.firstIndex(where: { hasKey($0, key) }) else {
      return append(argument)
    }
    var kept: [String] = []
    for (index, old) in arguments.enumerated() {
      if index == first { kept.append(argument) } else if !hasKey(old, key) { kept.append(old) }
    }
    arguments = kept
  }

  /// Appends `argument`, whatever has its key already.
  public mutating func append(_ argument: String) { arguments.append(argument) }

  /// Deletes one argument: `K=V` the first that is the same, `K` the first without a value, or the
  /// only one with that key whatever its value.
  ///
  /// Throws `noKernelArgument` or `ambiguousKernelArgument`, and changes nothing then.
  public mutating func delete(_ argument: String) throws(DeployError) {
    if let exact = arguments.firstIndex(where: { same($0, argument) }) {
      arguments.remove(at: exact)
      return
    }
    let isBare = !argument.utf8.contains(UInt8(ascii: "="))
    let found = arguments.indices.filter { isBare && hasKey(arguments[$0], argument) }
    guard let first = found.first else { throw .noKernelArgument(argument) }
    if found.count > 1 { throw .ambiguousKernelArgument(argument) }
    arguments.remove(at: first)
  }

  /// Deletes all arguments with this key.
  public mutating func deleteAll(key: String) { arguments = arguments.filter { !hasKey($0, key) } }

  private func hasKey(_ argument: String, _ key: String) -> Bool {
    same(KernelArguments.key(argument), key)
  }

  private static func key(_ argument: String) -> String {
    String(argument.utf8.prefix { $0 != UInt8(ascii: "=") }) ?? argument
  }

  private static func value(_ argument: String) -> String {
    guard let equals = argument.utf8.firstIndex(of: UInt8(ascii: "=")) else { return "" }
    return String(argument.utf8[argument.utf8.index(after: equals)...]) ?? ""
  }
}

// SPDX-License-Identifier: Apache-2.0

/// The contents of `grubenv`:
/// ```
/// # GRUB Environment Block
/// boot_counter=3
/// boot_success=0
/// saved_entry=a\
/// b                         a backslash stands before a backslash or a line break of the value
/// ##########…               up to 1024 bytes
/// ```
/// Lines that begin with `#` are passed over and kept. GRUB, grub-core/lib/envblk.c.
struct GrubBlock: Hashable {
  static let byteCount = 1024
  private static let signature = Array("# GRUB Environment Block\n".utf8)
  private static let padding = UInt8(ascii: "#")

  let bytes: [UInt8]
  /// Behind the signature, each with its line end; what fills the block up is none of them.
  private let lines: [Range<Int>]

  /// Nil for what is no environment block.
  init?(_ bytes: [UInt8]) {
    guard bytes.count == GrubBlock.byteCount, bytes.starts(with: GrubBlock.signature) else {
      return nil
    }
    self.bytes = bytes
    var lines: [Range<Int>] = []
    var start = GrubBlock.signature.count
    while let end = GrubBlock.lineEnd(bytes, from: start) {
      lines.append(start..<end)
      start = end
    }
    // GRUB looks for room behind the last line end and takes anything else there for damage.
    guard bytes[start...].allSatisfy({ $0 == GrubBlock.padding }) else { return nil }
    self.lines = lines
  }

  /// Behind the line break that ends the line; nil if there is none any more.
  private static func lineEnd(_ bytes: [UInt8], from start: Int) -> Int? {
    var index = start
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "\\") {
        index += 2
      } else if bytes[index] == UInt8(ascii: "\n") {
        return index + 1
      } else {
        index += 1
      }
    }
    return nil
  }

  /// The value of a variable without its escapes; nil if there is none of that name.
  func value(of name: String) -> String? {
    guard let line = lines.first(where: { isLine($0, of: name) }) else { return nil }
    var value: [UInt8] = []
    var isEscaped = false
    for byte in bytes[line].dropFirst(name.utf8.count + 1).dropLast() {
      if byte == UInt8(ascii: "\\"), !isEscaped {
        isEscaped = true
      } else {
        value.append(byte)
        isEscaped = false
      }
    }
    return String(decoding: value, as: UTF8.self)
  }

  /// With other values, and without the variables in `removing`.
  ///
  /// Values as long as those before them are changed in place. Else ours come first, so that they
  /// share a sector, and all the rest follows as it was. Nil if it does not fit. Names and values
  /// here need no escapes.
  func setting(_ changes: [LoaderVariable], removing: [String] = []) -> GrubBlock? {
    if removing.allSatisfy({ value(of: $0) == nil }), let inPlace = settingInPlace(changes) {
      return inPlace
    }
    var made = GrubBlock.signature
    for change in changes { made += "\(change.name)=\(change.value)\n".utf8 }
    for line in lines {
      let isOurs =
        changes.contains { isLine(line, of: $0.name) } || removing.contains { isLine(line, of: $0) }
      if !isOurs { made += bytes[line] }
    }
    guard made.count <= GrubBlock.byteCount else { return nil }
    made += repeatElement(GrubBlock.padding, count: GrubBlock.byteCount - made.count)
    return GrubBlock(made)
  }

  private func settingInPlace(_ changes: [LoaderVariable]) -> GrubBlock? {
    var made = bytes
    for change in changes {
      guard let line = lines.first(where: { isLine($0, of: change.name) }) else { return nil }
      let start = line.lowerBound + change.name.utf8.count + 1
      guard line.upperBound - 1 - start == change.value.utf8.count else { return nil }
      made.replaceSubrange(start..<line.upperBound - 1, with: change.value.utf8)
    }
    return GrubBlock(made)
  }

  private func isLine(_ line: Range<Int>, of name: String) -> Bool {
    let text = bytes[line]
    return text.starts(with: name.utf8)
      && text.dropFirst(name.utf8.count).first == UInt8(ascii: "=")
  }
}

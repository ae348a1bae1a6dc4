// SPDX-License-Identifier: Apache-2.0

/// The patterns of delegated paths. TUF specification, 4.5: PATHPATTERN.
///
/// `*` stands for any run of characters and `?` for exactly one, neither for a slash; everything
/// else is literal, brackets and leading points too. Nothing is folded or normalised.
public enum PathPattern {
  /// Both in UTF-8. Goes back no further than to the last star, so that the cost is at most the
  /// product of the lengths.
  public static func matches(_ pattern: [UInt8], _ path: [UInt8]) -> Bool {
    var (position, patternPosition) = (0, 0)
    var star: (pattern: Int, path: Int)?
    while position < path.count {
      let next = patternPosition < pattern.count ? pattern[patternPosition] : nil
      if next == UInt8(ascii: "*") {
        star = (patternPosition, position)
        patternPosition += 1
      } else if next == UInt8(ascii: "?"), path[position] != slash {
        patternPosition += 1
        position = endOfCharacter(path, position)
      } else if next == path[position], next != UInt8(ascii: "?") {
        if next == slash { star = nil }
        patternPosition += 1
        position += 1
      } else if let last = star, path[last.path] != slash {
        // The star takes one byte more.
        star = (last.pattern, last.path + 1)
        patternPosition = last.pattern + 1
        position = last.path + 1
      } else {
        return false
      }
    }
    return pattern[patternPosition...].allSatisfy { $0 == UInt8(ascii: "*") }
  }

  private static let slash = UInt8(ascii: "/")

  /// Behind the character of UTF-8 that begins at `position`.
  private static func endOfCharacter(_ text: [UInt8], _ position: Int) -> Int {
    var end = position + 1
    while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
    return end
  }
}

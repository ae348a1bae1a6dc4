// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Lines that were expected against lines that came: `{*}` stands for anything in a line, `...`
/// for any number of lines.
enum LinePattern {
  static func matches(_ expected: [String], _ found: [String]) -> Bool {
    matches(expected[...], found[...])
  }

  private static func matches(_ expected: ArraySlice<String>, _ found: ArraySlice<String>) -> Bool {
    guard let first = expected.first else { return found.isEmpty }
    if first == "..." {
      return (found.startIndex...found.endIndex).contains {
        matches(expected.dropFirst(), found[$0...])
      }
    }
    guard let line = found.first, matches(first, line) else { return false }
    return matches(expected.dropFirst(), found.dropFirst())
  }

  /// The parts between the stars come in order, the first at the front and the last at the end.
  static func matches(_ pattern: String, _ line: String) -> Bool {
    let parts = pattern.components(separatedBy: "{*}")
    guard parts.count > 1 else { return pattern == line }
    guard line.hasPrefix(parts[0]) else { return false }
    var rest = line.dropFirst(parts[0].count)
    for part in parts.dropFirst().dropLast() {
      guard let range = rest.range(of: part) else { return part.isEmpty }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(parts[parts.count - 1])
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Boot

/// The C library's own; its header hides it.
private func strverscmp(_ first: String, _ second: String) -> Int {
  typealias Function = @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>) -> Int32
  let symbol = unsafe dlsym(nil, "strverscmp")
  let function = unsafe unsafeBitCast(symbol, to: Function.self)
  return unsafe Int(function(first, second))
}

@Suite struct VersionOrderTests {
  private static let words = [
    "", "0", "00", "000", "01", "010", "09", "1", "9", "10", "11", "100", "1.9", "1.10", "1.09",
    "1.010", "a", "a0", "a00", "a01", "a1", "a9", "a10", "a010", "a0b", "a00b", "a1b", "6.1.0-9",
    "6.1.0-10", "6.1.0", "6.1", "2026.11.2", "2026.12.0", "ä1", "b", "1a", "01a", "001a", "0.1",
    "0.01", "10a", "1-2", "1+2",
  ]

  @Test func `versions are in the order of strverscmp`() {
    for first in Self.words {
      for second in Self.words {
        let expected = strverscmp(first, second).signum()
        #expect(VersionOrder.compare(first, second).signum() == expected, "\(first) \(second)")
      }
    }
  }

  @Test func `random versions are in the order of strverscmp`() {
    var generator = SystemRandomNumberGenerator()
    let letters = Array("001923.a-")
    func word() -> String {
      String((0..<Int.random(in: 0...6, using: &generator)).map { _ in letters.randomElement()! })
    }
    for _ in 0..<20_000 {
      let (first, second) = (word(), word())
      let expected = strverscmp(first, second).signum()
      #expect(VersionOrder.compare(first, second).signum() == expected, "\(first) \(second)")
    }
  }
}

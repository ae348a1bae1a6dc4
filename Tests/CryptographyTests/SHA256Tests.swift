// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Testing

@Suite struct SHA256Tests {
  /// FIPS 180-4 examples, and the empty OSTree tree.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    ("\0", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
  ])
  func `known messages have known checksums`(message: String, expected: String) {
    #expect(SHA256.hash(Array(message.utf8)).hex == expected)
  }

  @Test func `a context serves one message after another, in any pieces`() {
    var hash = SHA256()
    let message = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    let whole = SHA256.hash(message)
    for piece in [1, 7, 63, 64, 65, 1000] {
      var start = 0
      while start < message.count {
        let end = min(start + piece, message.count)
        hash.update(message.span.extracting(start..<end))
        start = end
      }
      #expect(hash.finish() == whole)
    }
    #expect(hash.finish() == SHA256.hash([]))
  }

  @Test func `a look at the checksum so far changes nothing`() {
    var hash = SHA256()
    hash.update(Array("ab".utf8))
    #expect(hash.current() == SHA256.hash(Array("ab".utf8)))
    hash.update(Array("c".utf8))
    #expect(hash.current() == SHA256.hash(Array("abc".utf8)))
    #expect(hash.finish() == SHA256.hash(Array("abc".utf8)))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Testing

@Suite struct SHA512Tests {
  /// FIPS 180-4, examples.
  @Test(arguments: [
    (
      "",
      "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
    ),
    (
      "abc",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    ),
  ])
  func `the examples of the standard hold, whole and in pieces`(text: String, hash: String) {
    let bytes = Array(text.utf8)
    #expect(Hex.encode(SHA512.hash(bytes.span).span) == hash)
    var running = SHA512()
    for _ in 0..<2 {  // the second time with the same context
      for index in bytes.indices { running.update(bytes.span.extracting(index..<index + 1)) }
      #expect(Hex.encode(running.finish().span) == hash)
    }
  }
}

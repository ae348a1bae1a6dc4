// SPDX-License-Identifier: Apache-2.0
import Testing
import Transport

/// Plain HTTP against a server that does what it should.
@Suite struct TransferTests {
  let server = FaultServer.shared
  let client = try! HTTPClient(.quick)

  @Test func `a body with a length comes whole`() throws {
    let fetched = try client.get(server.url("/bytes/100000"), limitBytes: 100_000)
    #expect(fetched == .body(FaultServer.content(100_000), etag: "\"v1\"", lastModified: nil))
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Testing

@Suite struct PEMTests {
  @Test(arguments: [0, 1, 47, 48, 49, 96, 1000])
  func `what was written is read`(count: Int) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let text = PEM.encode(bytes.span, label: "A KEY")
    #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 64 })
    #expect(PEM.decode(text, label: "A KEY") == bytes)
    #expect(PEM.decode(text, label: "B KEY") == nil)
    #expect(PEM.blocks(of: "# note\n" + text + "\n" + text)?.count == 2)
    #expect(PEM.decode(text + text, label: "A KEY") == nil)
  }

  @Test func `line ends, blanks behind lines and text between blocks do not matter`() {
    let text = "subject=x\r\n-----BEGIN X-----  \r\nAAEC\t\r\nAwQF\r\n\r\n-----END X-----"
    #expect(PEM.decode(text, label: "X") == [0, 1, 2, 3, 4, 5])
    #expect(PEM.blocks(of: "")?.isEmpty == true)
  }

  @Test(arguments: [
    "-----BEGIN X-----\nAAEC\n", "-----BEGIN X-----\nAAEC\n-----END Y-----\n",
    "-----BEGIN X-----\nAAE\n-----END X-----\n", "-----BEGIN X-----\nA*EC\n-----END X-----\n",
    "-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nAAEC\n-----END X-----\n",
    "-----BEGIN X-----\n-----BEGIN X-----\nAAEC\n-----END X-----\n",
  ])
  func `a block that is none is refused`(text: String) {
    #expect(PEM.blocks(of: text) == nil)
    #expect(PEM.decode(text, label: "X") == nil)
  }
}

// SPDX-License-Identifier: Apache-2.0
import OSTree
import Testing

@Suite struct RefNameTests {
  static let sum = String(repeating: "0a", count: 32)

  @Test(arguments: [
    "a", "test/x86/a", "coppice/x86_64/main", "0", "_", "A.b-c_d/1", "a.", "a-",
    "ostree/0/1/0", String(repeating: "0a", count: 31),
  ])
  func `these name refs`(name: String) {
    #expect(RefName.isValid(name))
    #expect(Refspec(name) == Refspec(remote: nil, ref: name))
    #expect(Refspec("origin:\(name)") == Refspec(remote: "origin", ref: name))
    #expect(Refspec("origin:\(name)")?.text == "origin:\(name)")
    #expect(Refspec(name)?.text == name)
  }

  @Test(arguments: [
    "", "/", "a/", "/a", "a//b", ".", "..", ".a", "a/.b", "-a", "a/-b", "a b", "a\nb", "a:b", "ä",
    "a/../b", "a+b", "a@b", "a\0", sum, String(repeating: "a", count: 256),
    String(repeating: "a/", count: 1024) + "a",
  ])
  func `these name no ref`(name: String) {
    #expect(!RefName.isValid(name))
    #expect(Refspec(remote: nil, ref: "x").ref == "x")
    #expect(Refspec("origin:\(name)") == nil)
  }

  @Test(arguments: [":a", "a:", ":", "a/b:c", "-a:b", ".a:b", "a:b:c", "é:a"])
  func `these are no refspecs`(text: String) { #expect(Refspec(text) == nil) }

  @Test func `a remote's name is one fragment`() {
    #expect(RefName.isValidRemote("origin-2.x_y"))
    for name in ["", "a/b", ".a", "a:b", "-", "a\"b"] { #expect(!RefName.isValidRemote(name)) }
  }

  @Test func `a collection is named in reverse DNS`() {
    for name in ["org.example", "org.example.Sub_1", "_a._b"] {
      #expect(RefName.isValidCollection(name))
    }
    let long = "a." + String(repeating: "b", count: 254)
    for name in ["", "org", ".org", "org.", "org..a", "org.1a", "org.a-b", "org.é", long] {
      #expect(!RefName.isValidCollection(name))
    }
  }
}

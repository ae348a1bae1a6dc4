// SPDX-License-Identifier: Apache-2.0
import Linux
import Testing

@testable import Deploy

@Suite struct KernelArgumentsTests {
  private func deleting(_ argument: String, from text: String) -> Result<String, DeployError> {
    Result { () throws(DeployError) in
      var arguments = KernelArguments(parsing: text)
      try arguments.delete(argument)
      return arguments.text
    }
  }

  @Test func `quoted blanks do not separate`() {
    let arguments = KernelArguments(parsing: " root=/dev/sda  foo=\"a b\" \"bar=c d\"\tquiet\n")
    #expect(arguments.arguments == ["root=/dev/sda", "foo=\"a b\"", "\"bar=c d\"", "quiet"])
    #expect(arguments.value(of: "foo") == "\"a b\"")
    #expect(arguments.value(of: "quiet") == "")
    #expect(arguments.value(of: "roo") == nil)
  }

  /// What `ostree admin deploy` 2022.7 made of the same calls.
  @Test(arguments: [
    ("foo=1 bar foo=2 quiet quiet", "foo=3", "foo=3 bar quiet quiet"),
    ("a=1 ostree=/old b", "ostree=/new", "a=1 ostree=/new b"),
    ("foo=5 bar", "baz", "foo=5 bar baz"),
    ("bar bar=2", "bar", "bar"),
    ("", "a", "a"),
  ])
  func `replacing takes the first place of the key`(text: String, new: String, result: String) {
    var arguments = KernelArguments(parsing: text)
    arguments.replace(new)
    #expect(arguments.text == result)
  }

  @Test(arguments: [
    ("foo=5 bar", "foo", "bar"), ("bar baz bar=2", "bar", "baz bar=2"),
    ("quiet baz bar=2", "bar=2", "quiet baz"), ("quiet quiet", "quiet", "quiet"),
    ("a=1 a=2 a=1", "a=1", "a=2 a=1"),
  ])
  func `deleting takes one away`(text: String, argument: String, result: String) {
    #expect(deleting(argument, from: text) == .success(result))
  }

  @Test func `what is not there or not clear is not deleted`() {
    #expect(deleting("nope", from: "a=1") == .failure(.noKernelArgument("nope")))
    #expect(deleting("a=2", from: "a=1") == .failure(.noKernelArgument("a=2")))
    #expect(deleting("quiet=", from: "quiet") == .failure(.noKernelArgument("quiet=")))
    #expect(deleting("a", from: "a=1 a=2") == .failure(.ambiguousKernelArgument("a")))
  }
}

@Suite struct OSReleaseTests {
  @Test(arguments: [
    ("NAME=x\nPRETTY_NAME=\"Coppice Test OS 3.0\"\nID=c\n", "Coppice Test OS 3.0"),
    ("ID=poky\n", "poky"), ("ID='my os'\n", "my os"),
    ("PRETTY_NAME=\"a \\\"b\\\" 'c'\"\n", "a \"b\" 'c'"),
    ("#PRETTY_NAME=no\nPRETTY_NAME=a\\ b # c\n", "a b"),
    ("PRETTY_NAME=one\nPRETTY_NAME=two\n", "two"),
  ])
  func `the name is found and unquoted`(text: String, name: String) {
    #expect(OSRelease(parsing: Array(text.utf8))?.name == name)
  }

  @Test func `a file without a name says none`() {
    #expect(OSRelease(parsing: Array("VERSION=1\n".utf8)) == nil)
  }
}

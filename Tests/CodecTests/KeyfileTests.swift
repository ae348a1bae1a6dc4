// SPDX-License-Identifier: Apache-2.0
import Codec
import Testing

@Suite struct KeyfileTests {
  static let config = """
    # the repo of this device
    [core]
    repo_version=1
    mode = bare

    [remote "acme"]
    url=https://example.com/repo
    gpg-verify=false
    # branches that are pulled
    branches=stable;testing;

    [unknown]
    x[de]=ü

    """

  @Test func `groups, keys and values are found with their lines`() throws {
    let file = try Keyfile(parsing: Array(Self.config.utf8))
    #expect(file.groups == ["core", "remote \"acme\"", "unknown"])
    #expect(file.keys(in: "remote \"acme\"") == ["url", "gpg-verify", "branches"])
    #expect(file.string("core", "mode") == "bare")
    #expect(try file.integer("core", "repo_version") == 1)
    #expect(try file.boolean("remote \"acme\"", "gpg-verify") == false)
    #expect(file.list("remote \"acme\"", "branches") == ["stable", "testing"])
    #expect(file.string("unknown", "x[de]") == "ü")
    #expect(file.line(of: "remote \"acme\"", "branches") == 10)
    #expect(file.line(of: "unknown") == 12)
    #expect(file.contains(group: "core") && !file.contains(group: "Core"))
    #expect(file.string("core", "missing") == nil)
    #expect(file.string("missing", "mode") == nil)
    #expect(try file.boolean("core", "missing") == nil)
    #expect(file.keys(in: "missing") == [])
  }

  @Test(arguments: [
    config, "", "\n", "\n\n# only\n", "[a]", "[a]\nk=v", "[a]\r\nk=v \r\n", "  [a]  \n\t k  =  v\n",
    "[a]\nk=1\n[b]\n\n\n[a]\nk=2\n",
  ])
  func `an unchanged file is written as it was`(text: String) throws {
    #expect(try Keyfile(parsing: Array(text.utf8)).serialized() == Array(text.utf8))
  }

  /// What `g_key_file_get_value`, `get_string` and `get_string_list` of GLib 2.74 gave.
  @Test(arguments: [
    ("k=v  ", "v  ", "v  ", ["v  "]), ("k =  v\t", "v\t", "v\t", ["v\t"]),
    (#"k=a\sb\n\t\r\\"#, #"a\sb\n\t\r\\"#, "a b\n\t\r\\", ["a b\n\t\r\\"]),
    (#"k=a\xb"#, #"a\xb"#, #"a\xb"#, [#"a\xb"#]), (#"k=\s a"#, #"\s a"#, "  a", ["  a"]),
    ("k=a\r", "a", "a", ["a"]), ("\tk=v", "v", "v", ["v"]), ("k==v", "=v", "=v", ["=v"]),
    ("k=v;w;", "v;w;", "v;w;", ["v", "w"]), ("k=v; w", "v; w", "v; w", ["v", " w"]),
    (#"k=v\;x;y"#, #"v\;x;y"#, #"v\;x;y"#, ["v;x", "y"]), ("k=", "", "", []),
    ("k=;", ";", ";", [""]), ("k=v # x", "v # x", "v # x", ["v # x"]),
    (#"k=a\"#, #"a\"#, "a", ["a"]),
  ])
  func `values are understood as GLib does`(line: String, raw: String, text: String, list: [String])
    throws
  {
    let file = try Keyfile(parsing: Array("[g]\n\(line)\n".utf8))
    #expect(file.rawValue("g", "k") == raw)
    #expect(file.string("g", "k") == text)
    #expect(file.list("g", "k") == list)
  }

  @Test(arguments: [
    ("k", KeyfileError.notALine(line: 2)), ("=v", .notALine(line: 2)), (";c", .notALine(line: 2)),
    ("[h", .notALine(line: 2)), ("[h] x", .notALine(line: 2)), ("[a]b]", .notALine(line: 2)),
    ("[]", .groupName(line: 2)), ("[a[b]", .groupName(line: 2)), ("[\u{1}]", .groupName(line: 2)),
    ("k[=v", .keyName(line: 2)), ("k]=v", .keyName(line: 2)), ("k[de]x=v", .keyName(line: 2)),
    ("k[d e]=v", .keyName(line: 2)), ("k=a\0b", .notText(line: 2)),
    ("\u{FEFF}[g]", .notALine(line: 2)),
  ])
  func `a line that is none is named`(line: String, error: KeyfileError) {
    let result = Result { () throws(KeyfileError) in
      try Keyfile(parsing: Array("[g]\n\(line)\n[h]\n".utf8)).groups
    }
    #expect(result == .failure(error))
    #expect(error.line == 2)
  }

  @Test func `bytes that are not text may stand in comments only`() throws {
    let comment = Array("# caf".utf8) + [0xE9, 10]
    #expect(try Keyfile(parsing: comment).serialized() == comment)
    let value = Array("[g]\n\nk=caf".utf8) + [0xE9, 10]
    let result = Result { () throws(KeyfileError) in try Keyfile(parsing: value).groups }
    #expect(result == .failure(.notText(line: 3)))
  }

  @Test func `a value before the first group is refused`() {
    let result = Result { () throws(KeyfileError) in
      try Keyfile(parsing: Array("# c\n\nk=v\n[g]\n".utf8)).groups
    }
    #expect(result == .failure(.beforeFirstGroup(line: 3)))
  }

  @Test(arguments: [
    ("true", true), ("1", true), ("true ", true), ("1\t ", true), ("false", false), ("0", false),
  ])
  func `booleans have four spellings`(text: String, value: Bool) throws {
    #expect(try Keyfile(parsing: Array("[g]\nk=\(text)\n".utf8)).boolean("g", "k") == value)
  }

  @Test(arguments: ["True", "TRUE", "yes", "01", "", "true x"])
  func `other spellings of a boolean are refused`(text: String) {
    let result = Result { () throws(KeyfileError) in
      try Keyfile(parsing: Array("[g]\nk=\(text)\n".utf8)).boolean("g", "k")
    }
    #expect(result == .failure(.notBoolean(line: 2, value: text)))
  }

  @Test(arguments: [
    ("5", 5), (" 5 ", 5), ("+5", 5), ("-5", -5), ("05", 5), ("9223372036854775807", Int64.max),
    ("-9223372036854775808", Int64.min),
  ])
  func `integers are decimal`(text: String, value: Int64) throws {
    #expect(try Keyfile(parsing: Array("[g]\nk=\(text)\n".utf8)).integer("g", "k") == value)
  }

  @Test(arguments: ["0x5", "5x", "9223372036854775808", "", "- 5", "5 x"])
  func `what is no integer is refused`(text: String) {
    let result = Result { () throws(KeyfileError) in
      try Keyfile(parsing: Array("[g]\nk=\(text)\n".utf8)).integer("g", "k")
    }
    #expect(result == .failure(.notInteger(line: 2, value: text)))
  }

  @Test func `a group that comes twice is one and the last value holds`() throws {
    let file = try Keyfile(parsing: Array("[a]\nk=1\nl=1\n[b]\n[a]\nk=2\nk=3\n".utf8))
    #expect(file.groups == ["a", "b"])
    #expect(file.keys(in: "a") == ["k", "l"])
    #expect(file.string("a", "k") == "3")
    #expect(file.line(of: "a", "k") == 7)
  }

  @Test func `an empty file is filled as ostree init does`() {
    var file = Keyfile()
    file.set("core", "repo_version", to: "1")
    file.set("core", "mode", to: "archive-z2")
    file.set("remote \"a\"", "gpg-verify", to: false)
    file.set("remote \"a\"", "branches", to: ["x;y", " z"])
    let expected = """
      [core]
      repo_version=1
      mode=archive-z2

      [remote "a"]
      gpg-verify=false
      branches=x\\;y;\\sz;

      """
    #expect(String(decoding: file.serialized(), as: UTF8.self) == expected)
    #expect(file.list("remote \"a\"", "branches") == ["x;y", " z"])
  }

  @Test func `a change leaves all other lines as they were`() throws {
    var file = try Keyfile(parsing: Array(Self.config.utf8))
    file.set("core", "mode", to: "archive-z2")
    file.set("remote \"acme\"", "tls-permissive", to: true)
    file.remove("remote \"acme\"", "gpg-verify")
    let expected = Self.config
      .replacing("mode = bare", with: "mode=archive-z2")
      .replacing("gpg-verify=false\n", with: "")
      .replacing("testing;\n", with: "testing;\ntls-permissive=true\n")
    #expect(String(decoding: file.serialized(), as: UTF8.self) == expected)
  }

  @Test func `a removed group takes its keys and leaves what speaks of others`() throws {
    var file = try Keyfile(parsing: Array("# a\n[a]\nk=1\n# k\nl=2\n\n# b\n[b]\nk=3\n".utf8))
    file.remove(group: "a")
    #expect(String(decoding: file.serialized(), as: UTF8.self) == "# a\n# b\n[b]\nk=3\n")
    file.remove(group: "b")
    #expect(String(decoding: file.serialized(), as: UTF8.self) == "# a\n# b\n")
    file.remove(group: "none")
    #expect(file.groups == [])
  }

  @Test func `removing takes every appearance of a key`() throws {
    var file = try Keyfile(parsing: Array("[a]\nk=1\nk=2\n[b]\nk=3\n[a]\nk=4".utf8))
    file.remove("a", "k")
    #expect(String(decoding: file.serialized(), as: UTF8.self) == "[a]\n[b]\nk=3\n[a]\n")
  }

  @Test func `a key is added behind a last line without line end`() throws {
    var file = try Keyfile(parsing: Array("[a]\nk=1".utf8))
    file.set("a", "l", to: "2")
    #expect(String(decoding: file.serialized(), as: UTF8.self) == "[a]\nk=1\nl=2\n")
  }

  /// What `g_key_file_set_string` of GLib 2.74 wrote.
  @Test(arguments: [
    (" a b ", #"\sa b "#), ("\ta\tb", "\\ta\tb"), ("a\nb\\", #"a\nb\\"#), (";x;", ";x;"),
    ("\r\n", #"\r\n"#), ("  x", #"\s\sx"#),
  ])
  func `values are escaped as GLib does`(value: String, raw: String) {
    var file = Keyfile()
    file.set("g", "k", to: value)
    #expect(file.rawValue("g", "k") == raw)
    #expect(file.string("g", "k") == value)
  }

  @Test func `any text that is accepted is written as it was, and its values survive`() throws {
    var random = RandomSource(seed: 11)
    var accepted = 0
    for _ in 0..<20_000 {
      let text = random.mutation(of: random.mutation(of: Array(Self.config.utf8)))
      let result = Result { () throws(KeyfileError) in try Keyfile(parsing: text) }
      guard case .success(var file) = result else { continue }
      accepted += 1
      #expect(file.serialized() == text)
      for group in file.groups {
        for key in file.keys(in: group) {
          guard let value = file.string(group, key) else {
            Issue.record("no value of \(key)")
            continue
          }
          file.set(group, key, to: value)
          #expect(file.string(group, key) == value)
        }
      }
      let again = Result { () throws(KeyfileError) in try Keyfile(parsing: file.serialized()) }
      #expect((try? again.get())?.groups == file.groups)
    }
    #expect(accepted > 1_000 && accepted < 19_000)
  }
}

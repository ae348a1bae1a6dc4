// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Transport

@Suite struct HTTPURLTests {
  @Test(arguments: [
    ("http://example.org", "http://example.org/"),
    ("HTTP://Example.ORG:80/A?b", "http://example.org/A?b"),
    ("https://example.org:443/repo/", "https://example.org/repo/"),
    ("https://example.org:8443?q=1", "https://example.org:8443/?q=1"),
    ("http://[2001:DB8::1]:8080/x#fragment", "http://[2001:db8::1]:8080/x"),
    ("http://user:secret@example.org/x", "http://user@example.org/x"),
    ("http://example.org/a%20b/ü\"<>", "http://example.org/a%20b/%C3%BC%22%3C%3E"),
    ("http://example.org:/x", "http://example.org/x"),
  ])
  func `a URL is read and written as it is sent`(text: String, written: String) {
    #expect(HTTPURL(text)?.text == written)
  }

  @Test(arguments: [
    "", "example.org", "/path", "ftp://example.org/", "file:///repo", "http:/example.org",
    "http://", "http:///path", "http://:80/", "http://exa mple.org/", "http://example.org/a b",
    "http://example.org/a\r\nHost: evil", "http://example.org\n/", "http://example.org:0/",
    "http://example.org:65536/", "http://example.org:12a/", "http://[::1/", "http://[::1]x/",
    "http://[example]/", "http://exämple.org/", "http://a%2fb/", "http://user%zz@example.org/",
    "http://user%0d%0a@example.org/", "http://example.org/\u{0}",
    "http://example.org/" + String(repeating: "x", count: 8192),
  ])
  func `what is no URL to fetch is refused`(text: String) {
    #expect(HTTPURL(text) == nil)
  }

  @Test func `the parts are told apart`() throws {
    let url = try #require(HTTPURL("https://us%3Aer:p%40ss@[::1]:8443/a/b?c=d"))
    #expect(url.isSecure)
    #expect(url.host == "::1")
    #expect(url.port == 8443)
    #expect(url.path == "/a/b")
    #expect(url.query == "c=d")
    #expect(url.credentials == "us:er:p@ss")
    #expect(url.authority == "[::1]:8443")
    #expect(url.target == "/a/b?c=d")
    #expect(url.origin == Origin(isSecure: true, host: "::1", port: 8443))
  }

  @Test(arguments: [
    ("http://h", "config", "http://h/config"),
    ("http://h/repo", "config", "http://h/repo/config"),
    ("http://h/repo///", "/objects/ab", "http://h/repo/objects/ab"),
    ("http://h/repo?token=1", "config", "http://h/repo/config?token=1"),
    ("http://h/r", "refs/heads/a b?c#d%e+f", "http://h/r/refs/heads/a%20b%3Fc%23d%25e+f"),
    ("http://h/r", "deltas/A_/x-y", "http://h/r/deltas/A_/x-y"),
  ])
  func `a path is put behind the URL's own`(base: String, name: String, whole: String) {
    #expect(HTTPURL(base)?.appending(name).text == whole)
  }

  @Test(arguments: [
    ("https://other.org/x", "https://other.org/x"),
    ("//other.org/x", "http://other.org/x"),
    ("/x/y?z", "http://h:81/x/y?z"),
    ("x", "http://h:81/a/b/x"),
    ("./x/./y", "http://h:81/a/b/x/y"),
    ("../x", "http://h:81/a/x"),
    ("../../../../x", "http://h:81/x"),
    ("..", "http://h:81/a/"),
    ("?new", "http://h:81/a/b/c?new"),
    ("#top", "http://h:81/a/b/c?q"),
    ("", "http://h:81/a/b/c?q"),
    ("x:y", nil),
    ("ftp://h/x", nil),
    ("/a b", nil),
    ("javascript:alert(1)", nil),
  ])
  func `a Location is resolved as RFC 3986 has it`(reference: String, whole: String?) {
    #expect(HTTPURL("http://h:81/a/b/c?q")?.resolving(reference)?.text == whole)
  }
}

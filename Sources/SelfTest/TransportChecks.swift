// SPDX-License-Identifier: Apache-2.0
import Linux
import Transport

extension SelfTest {
  static func checkTransport(_ scratch: Scratch, _ report: inout Report) {
    let url = HTTPURL("https://user:secret@[::1]:8443/repo/")
    report.expect(url?.port == 8443 && url?.isSecure == true, "a URL is read")
    report.expect(url?.text.utf8.count ?? 99 < 30, "a URL is shown without its password")
    report.expect(HTTPURL("ftp://host/") == nil, "a URL of another kind is refused")
    let path = "\(scratch.path)/authority.pem"
    do throws(Errno) {
      let file = try FileDescriptor.open(path, [.writeOnly, .create])
      try file.write(authority)
    } catch { return report.fail("writing '\(path)' ended with \(error.name)") }
    var options = TransportOptions()
    options.caFile = path
    report.expect(isMade(options), "TLS is set up with an authority whose certificate ends in 2126")
    options.caFile = scratch.path
    report.expect(!isMade(options), "TLS is not set up without an authority's certificate")
    checkRefusal("127.0.0.1", &report)
    checkRefusal("localhost", &report)
  }

  /// Nobody listens on port 1. Without a loopback interface the error is another, but there is one.
  private static func checkRefusal(_ host: String, _ report: inout Report) {
    var options = TransportOptions()
    options.proxy = .none
    options.retriesMax = 0
    options.connectTimeoutMilliseconds = 5000
    guard let url = HTTPURL("http://\(host):1/") else {
      return report.fail("'\(host)' is a host")
    }
    do throws(TransportError) {
      _ = try HTTPClient(options).get(url, limitBytes: 1)
      report.fail("nobody answers on port 1 of \(host)")
    } catch {
      switch error {
      case .connect, .resolve: report.expect(true, "a connection to \(host) is refused")
      default: report.fail("a connection to \(host) is refused, not anything else")
      }
    }
  }

  private static func isMade(_ options: TransportOptions) -> Bool {
    do throws(TransportError) { _ = try HTTPClient(options) } catch { return false }
    return true
  }

  /// Signed by itself, Ed25519, valid from 2026 to 2126. Its key is not kept.
  private static let authority = """
    -----BEGIN CERTIFICATE-----
    MIIBPjCB8aADAgECAhQr9+DcyLj/FklWQ2nX1oJAt8g4RzAFBgMrZXAwFDESMBAG
    A1UEAwwJc2VsZi10ZXN0MCAXDTI2MTEyMTEwMTk0N1oYDzIxMjYxMDI4MTAxOTQ3
    WjAUMRIwEAYDVQQDDAlzZWxmLXRlc3QwKjAFBgMrZXADIQA4XqB97Sx5VaC+o1a3
    4EPG0aPUl8IFWtg/OXfzfUJgIKNTMFEwHQYDVR0OBBYEFLM39Trhv+tbJ3CFjZ+7
    4gUG7mYJMB8GA1UdIwQYMBaAFLM39Trhv+tbJ3CFjZ+74gUG7mYJMA8GA1UdEwEB
    /wQFMAMBAf8wBQYDK2VwA0EAu6QP2qv99UVJmOxHQv+DAHvFuYXerX8oUVzFyXWo
    jHrqOORFHLnhTuAaqOWQxIJe9V1c3YgJYwuDKcp/xA4QAw==
    -----END CERTIFICATE-----

    """
}

// SPDX-License-Identifier: Apache-2.0
internal import Codec
internal import Linux

/// An http proxy: where it is, and what to say to it.
struct ProxyAddress: Hashable {
  let url: HTTPURL

  /// From an environment variable or an option: a scheme may be left out. Only proxies that are
  /// themselves spoken to in plain http are known.
  init?(_ text: String) {
    let bytes = Array(text.utf8)
    let hasScheme = bytes.firstIndex(of: UInt8(ascii: "/")).map {
      $0 > 0 && bytes[$0 - 1] == UInt8(ascii: ":")
    }
    guard let url = HTTPURL(hasScheme == true ? text : "http://\(text)") else { return nil }
    self.init(url)
  }

  init?(_ url: HTTPURL) {
    if url.isSecure { return nil }
    self.url = url
  }

  /// For messages: without the password.
  var text: String { "\(url.host):\(url.port)" }
}

/// Which proxy is used for whom. The variables are read as curl(1) reads them.
struct ProxySettings: Sendable {
  private var forHTTP: String?
  private var forHTTPS: String?
  private var exceptions: ProxyExceptions

  init(_ choice: ProxyChoice, environment: (String) -> String? = { Process.environment($0) }) {
    exceptions = ProxyExceptions("")
    switch choice {
    case .none: break
    case .url(let url): (forHTTP, forHTTPS) = (ProxySettings.full(url), ProxySettings.full(url))
    case .environment:
      func variable(_ names: String...) -> String? {
        for name in names {
          if let value = environment(name) { return value.isEmpty ? nil : value }
        }
        return nil
      }
      // Not HTTP_PROXY: a web server sets it for its scripts from a header named "Proxy".
      forHTTP = variable("http_proxy")
      forHTTPS = variable("https_proxy", "HTTPS_PROXY")
      exceptions = ProxyExceptions(variable("no_proxy", "NO_PROXY") ?? "")
    }
  }

  /// `HTTPURL.text` leaves the password out, which the proxy needs.
  private static func full(_ url: HTTPURL) -> String {
    let credentials = url.credentials.map { credentials in
      var bytes: [UInt8] = []
      for byte in credentials.utf8 {
        let isKept = URLCharacter.isUnreserved(byte) || byte == UInt8(ascii: ":")
        PercentEncoding.append(byte, to: &bytes) { _ in isKept }
      }
      return String(decoding: bytes, as: UTF8.self) + "@"
    }
    return "\(url.scheme)://\(credentials ?? "")\(url.authority)"
  }

  /// Nil: connect directly. Errors: `.proxy(_, .address)` where the setting is no http proxy.
  func proxy(for origin: Origin) throws(TransportError) -> ProxyAddress? {
    guard let text = origin.isSecure ? forHTTPS : forHTTP,
      !exceptions.contains(host: origin.host, port: origin.port)
    else { return nil }
    guard let address = ProxyAddress(text) else {
      let end = text.utf8.lastIndex(of: UInt8(ascii: "@")).map { text.utf8.index(after: $0) }
      let visible = text.utf8[(end ?? text.utf8.startIndex)...]
      throw .proxy(address: String(decoding: visible, as: UTF8.self), .address)
    }
    return address
  }
}

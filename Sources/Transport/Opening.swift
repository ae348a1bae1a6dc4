// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// Makes a connection to an origin: proxy, name, TCP, tunnel, TLS, all before one deadline.
struct Opening {
  let client: HTTPClient
  let origin: Origin
  /// For errors: what is to be fetched.
  let url: String
  let showsIdentity: Bool
  let deadline: Int64
  /// What to throw when `deadline` comes from the transfer and not from connecting.
  let isTotal: Bool
  let interruption: Interruption

  func open() throws(TransportError) -> Connection {
    let proxy = try client.proxies.proxy(for: origin)
    let host = proxy?.url.host ?? origin.host
    let port = proxy?.url.port ?? origin.port
    let connecting = until(.connect)
    let addresses: [SocketAddress]
    do throws(TransportError) {
      addresses = try client.names.addresses(
        of: host, port: port, deadline: connecting, interruption)
    } catch { throw error.concerning(url) }
    let connection: Connection
    do throws(TransportError) {
      var connector = Connector(addresses, port: port, deadline: connecting, interruption)
      connection = Connection(try connector.connect())
    } catch {
      client.names.forget(host)
      throw error.concerning(url)
    }
    if let proxy {
      if origin.isSecure {
        try openTunnel(through: proxy, connection)
      } else {
        connection.plainProxy = proxy
      }
    }
    if origin.isSecure { try shakeHands(connection) }
    let streams = connection.session?.streamLimit
    client.origins.learn(origin, streams.map { .http2(streams: $0) } ?? .http1)
    return connection
  }

  private func until(_ phase: TransferPhase) -> Deadline {
    Deadline(at: deadline, error: .timedOut(url: url, isTotal ? .total : phase))
  }

  private func shakeHands(_ connection: Connection) throws(TransportError) {
    let context = try client.tls.context(showsIdentity: showsIdentity, client.options)
    let stream = TLSStream(
      connection.socket, context, to: origin, offersHTTP2: client.offersHTTP2(to: origin))
    let deadline = until(.handshake)
    while true {
      switch stream.shakeHands() {
      case .done:
        connection.secure(by: stream) {
          HTTP2Session(
            requestsMax: client.origins.requestsMax(origin),
            streamsMax: client.origins.streamsMax(origin))
        }
        return
      case .wait(let readiness):
        try deadline.wait(for: connection.socket, readiness, interruption)
      case .refused(let failure): throw .certificate(url: url, failure)
      case .failed(let failure): throw .handshake(url: url, failure)
      }
    }
  }

  /// Asks the proxy for a way through to the origin. RFC 9110 9.3.6.
  private func openTunnel(
    through proxy: ProxyAddress, _ connection: Connection
  ) throws(TransportError) {
    let host = origin.host.utf8.contains(UInt8(ascii: ":")) ? "[\(origin.host)]" : origin.host
    let place = "\(host):\(origin.port)"
    var request = "CONNECT \(place) HTTP/1.1\r\nHost: \(place)\r\n"
    request += "User-Agent: \(client.options.userAgent)\r\n"
    if let credentials = proxy.url.credentials {
      request += "Proxy-Authorization: \(RequestHead.basic(credentials))\r\n"
    }
    request += "\r\n"
    connection.queue { $0.append(contentsOf: request.utf8) }

    let head = try readTunnelAnswer(of: proxy, connection)
    guard (200...299).contains(head.status) else {
      throw .proxy(address: proxy.text, head.status == 407 ? .credentials : .status(head.status))
    }
    // TLS begins with us: whatever came already is not from the origin.
    if connection.unreadCount > 0 { throw .proxy(address: proxy.text, .malformed(.unsolicited)) }
  }

  private func readTunnelAnswer(
    of proxy: ProxyAddress, _ connection: Connection
  ) throws(TransportError) -> ResponseHead {
    let deadline = until(.connect)
    var scanner = HeadScanner()
    while true {
      let head: ResponseHead?
      do throws(MalformedResponse) {
        head = try connection.takeHead(&scanner)
      } catch {
        throw .proxy(address: proxy.text, .malformed(error))
      }
      if let head, head.status >= 200 { return head }
      if head != nil { continue }
      let sending = connection.flush()
      switch connection.receive() {
      case .bytes: continue
      case .wait(let readiness):
        try deadline.wait(for: connection.socket, readiness.union(sending), interruption)
      case .closed, .failed: throw .closed(url: url, receivedBytes: 0)
      }
    }
  }
}

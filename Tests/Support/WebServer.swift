// SPDX-License-Identifier: Apache-2.0
import Foundation

/// nginx, serving a folder on a port of its own until the last owner lets go of it.
public final class WebServer: @unchecked Sendable {
  public let port: Int
  private let settings: TemporaryDirectory
  private let isSecure: Bool
  private var running: RunningProgram?

  /// `tls` are lines of nginx's `server` block: certificate, key, client verification.
  public init(
    _ root: String, tls: [String] = [], extra: [String] = [], http2: Bool = false
  ) throws {
    port = try FreePort.take()
    settings = try TemporaryDirectory("nginx")
    isSecure = !tls.isEmpty
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map { "\($0)_temp_path tmp;" }.joined(separator: " ")
    try settings.makeDirectory("logs")
    try settings.write(
      """
      daemon off; user root; worker_processes 1; pid nginx.pid; error_log logs/error.log;
      events { worker_connections 256; }
      http {
        access_log logs/access.log; default_type application/octet-stream; \(temporary)
        keepalive_requests 1000000;
        server {
          listen 127.0.0.1:\(port)\(isSecure ? " ssl" : "")\(http2 ? " http2" : "");
          server_name localhost; root \(root);
          \((tls + extra).joined(separator: "\n    "))
        }
      }
      """, to: "nginx.conf")
    try start()
  }

  deinit { try? stop() }

  public var url: String { "\(isSecure ? "https" : "http")://127.0.0.1:\(port)" }
  /// With a name, for certificates.
  public var namedURL: String { "\(isSecure ? "https" : "http")://localhost:\(port)" }

  public func start() throws {
    running = try RunningProgram(
      "nginx", ["-p", settings.path, "-c", settings.file("nginx.conf"), "-e", "logs/error.log"])
    for _ in 0..<500 {
      if FreePort.answers(port) { return }
      usleep(10_000)
    }
    throw ProgramError(description: "nginx does not answer: \(running?.standardErrorSoFar ?? "")")
  }

  /// Ends it at once, with all its connections.
  public func stop() throws {
    running?.send(signal: SIGTERM)
    _ = try running?.wait(seconds: 10)
    running = nil
  }

  /// Paths that were asked for since the start, each with its status: "200 /config".
  public func requests() throws -> [String] {
    try settings.readText("logs/access.log").split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "\"")
      guard parts.count > 2 else { return nil }
      let request = parts[1].split(separator: " ")
      let status = parts[2].split(separator: " ")
      guard request.count > 1, let code = status.first else { return nil }
      return "\(code) \(request[1])"
    }
  }
}

/// A TCP port of this machine that nobody listens on.
public enum FreePort {
  public static func take() throws -> Int {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
      }
    }
    guard bound else { throw ProgramError(description: "no port to be had") }
    return Int(UInt16(bigEndian: address.sin_port))
  }

  static func answers(_ port: Int) -> Bool {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = loopback(port)
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  private static func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }
}

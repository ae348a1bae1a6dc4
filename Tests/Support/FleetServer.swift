// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A running `Tests/Servers/gateway_server.py` with its folder, which ends with the value or with
/// the tests.
public final class FleetServer: @unchecked Sendable {
  public let folder: TemporaryDirectory
  public let port: Int
  private let process = Process()
  private let input = Pipe()

  public init() throws {
    folder = try TemporaryDirectory("gateway")
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", "-B", PackagePaths.root + "/Tests/Servers/gateway_server.py", folder.path,
    ]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    var line: [UInt8] = []
    while line.last != 10 {
      let byte = output.fileHandleForReading.readData(ofLength: 1)
      guard let first = byte.first else {
        throw ProgramError(description: "the gateway did not start")
      }
      line.append(first)
    }
    port = Int(String(decoding: line.dropLast(), as: UTF8.self))!
  }

  deinit { input.fileHandleForWriting.closeFile() }

  public var url: String { "https://localhost:\(port)" }
  public var archive: String { folder.file("credentials.zip") }

  /// A copy of the archive, as a device has it.
  public func copyArchive(to path: String) throws {
    try Data(contentsOf: URL(fileURLWithPath: archive)).write(to: URL(fileURLWithPath: path))
  }

  /// What it was asked so far: `POST /devices 200 fleet`.
  public func log() -> [String] {
    ((try? folder.readText("log")) ?? "").split(separator: "\n").map(String.init)
  }

  public func forgetLog() throws { try folder.write("", to: "log") }

  /// From now on this goes wrong with the next requests for `path`.
  public func fail(_ path: String, _ kind: String, times: Int = 1) throws {
    let faults = [["path": path, "kind": kind, "times": times] as [String: Any]]
    try folder.write([UInt8](JSONSerialization.data(withJSONObject: faults)), to: "faults.json")
  }

  /// From now on this goes wrong with one request, or with one connection where `kind` is
  /// `cut-handshake`, after so many others.
  public func fail(after count: Int, _ kind: String) throws {
    let faults = [["after": count, "kind": kind, "times": 1] as [String: Any]]
    try folder.write([UInt8](JSONSerialization.data(withJSONObject: faults)), to: "faults.json")
  }

  /// Whether what was to go wrong has gone wrong.
  public func hasFailed() throws -> Bool {
    let faults = try JSONSerialization.jsonObject(with: Data(folder.read("faults.json")))
    return (faults as? [[String: Any]])?.allSatisfy { $0["times"] as? Int == 0 } ?? false
  }

  public func failNothing() throws { try folder.write("[]", to: "faults.json") }

  /// From its next connection on the server shows another certificate: `server`, `expired`,
  /// `elsewhere` or `stranger`.
  public func show(certificate name: String) throws { try authority("show", name) }

  /// From now on the server does not let this device in.
  public func revoke(device name: String) throws { try authority("revoke", name) }

  private func authority(_ words: String...) throws {
    let script = PackagePaths.root + "/Tests/Servers/gateway_authority.py"
    let result = try run("python3", arguments: ["-B", script, folder.path] + words)
    guard result.status == 0 else { throw ProgramError(description: result.description) }
  }

  public func state() throws -> State {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(State.self, from: Data(folder.read("state.json")))
  }

  /// What the server knows.
  public struct State: Decodable {
    public struct ECUs: Decodable {
      public struct ECU: Decodable {
        public struct Key: Decodable {
          public struct Value: Decodable { public let `public`: String }
          public let keytype: String
          public let keyval: Value
        }
        public let clientKey: Key
        public let ecuSerial: String
        public let hardwareIdentifier: String
      }
      public let primaryEcuSerial: String
      public let ecus: [ECU]
    }
    public struct Event: Decodable {
      public struct Kind: Decodable { public let id: String }
      public struct What: Decodable {
        public let correlationId: String?
        public let success: Bool?
      }
      public let id: String
      public let deviceTime: String
      public let eventType: Kind
      public let event: What
    }
    public let devices: [String]
    public let ecus: [String: ECUs]
    public let registrations: [String]
    public let counters: [String: Int]
    public let events: [Event]
  }
}

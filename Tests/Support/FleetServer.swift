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

  public func failNothing() throws { try folder.write("[]", to: "faults.json") }

  public func state() throws -> State {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(State.self, from: Data(folder.read("state.json")))
  }

  /// What the server knows.
  public struct State: Decodable {
    public struct ECUs: Decodable {
      public struct ECU: Decodable {
        public let ecuSerial: String
        public let hardwareIdentifier: String
      }
      public let primaryEcuSerial: String
      public let ecus: [ECU]
    }
    public struct Event: Decodable {
      public let id: String
      public let deviceTime: String
    }
    public let devices: [String]
    public let ecus: [String: ECUs]
    public let registrations: [String]
    public let counters: [String: Int]
    public let events: [Event]
  }
}

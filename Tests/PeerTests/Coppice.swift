// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support

/// One run of the executable under test, and what it says of itself.
struct Coppice: CustomStringConvertible {
  /// The JSON document on standard output: what every command has, and what `pull` adds.
  struct Document: Decodable {
    struct Failure: Decodable {
      let name: String
      let message: String
      let hint: String?
      let url: String?
      let path: String?
    }
    struct Fetched: Decodable, Equatable {
      let metadata: Int
      let content: Int
      let bytes: Int
    }

    let ok: Bool
    let exit: Int
    let error: Failure?
    let commits: [String]?
    let fetched: Fetched?
    let reused: Int?
    let written_bytes: Int?
    let seconds: Double?
    let peak_rss_bytes: Int?
  }

  let program: ProgramResult
  let document: Document

  /// Runs `coppice --json` to its end. The configuration is that of the test, not of this machine.
  init(_ arguments: [String], config: String? = nil, seconds: Int = 120) throws {
    try self.init(
      Coppice.start(arguments, config: config).wait(seconds: seconds))
  }

  init(_ program: ProgramResult) throws {
    self.program = program
    do {
      document = try JSONDecoder().decode(Document.self, from: Data(program.standardOutputBytes))
    } catch {
      throw ProgramError(description: "no JSON document: \(error)\n\(program.description)")
    }
  }

  /// Starts it and comes back at once.
  static func start(_ arguments: [String], config: String? = nil) throws -> RunningProgram {
    try RunningProgram(
      PackagePaths.coppice,
      arguments + ["--json", "--progress", "none", "--config", config ?? "/dev/null"],
      environment: noProxies)
  }

  /// A proxy of this machine has no business with the servers of the tests.
  static let noProxies = [
    "http_proxy": "", "https_proxy": "", "HTTP_PROXY": "", "HTTPS_PROXY": "", "ALL_PROXY": "",
    "all_proxy": "",
  ]

  var exit: Int32 { program.status }
  var error: Document.Failure? { document.error }
  var description: String { program.description }
}

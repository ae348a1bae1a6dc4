// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support

/// One run of the executable under test, and what it says of itself.
struct Coppice: CustomStringConvertible {
  /// The JSON document on standard output: what every command has.
  struct Document: Decodable {
    struct Failure: Decodable {
      let name: String
      let message: String
      let hint: String?
      let url: String?
      let path: String?
    }
    let ok: Bool
    let exit: Int
    let error: Failure?
  }

  /// What the document of `pull` has besides.
  struct Pulled: Decodable {
    struct Fetched: Decodable {
      let metadata: Int
      let content: Int
      let bytes: Int
    }

    struct Delta: Decodable {
      let from: String?
      let to: String
      let parts: Int
      let bytes: Int
      let objects: Int
      let passedOver: String?
    }

    let commits: [String]
    let fetched: Fetched
    let reused: Int
    let deltas: [Delta]
    let writtenBytes: Int
    let seconds: Double
    let peakRssBytes: Int
  }

  let program: ProgramResult
  let document: Document
  /// Only of a pull that succeeded.
  let pulled: Pulled?

  /// Runs `coppice --json` to its end. The configuration is that of the test, not of this machine.
  init(
    _ arguments: [String], config: String? = nil, binary: String = PackagePaths.coppice,
    seconds: Int = 300
  ) throws {
    try self.init(
      Coppice.start(arguments, config: config, binary: binary).wait(seconds: seconds))
  }

  init(_ program: ProgramResult) throws {
    self.program = program
    let bytes = Data(program.standardOutputBytes)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      document = try decoder.decode(Document.self, from: bytes)
    } catch {
      throw ProgramError(description: "no JSON document: \(error)\n\(program.description)")
    }
    pulled = try? decoder.decode(Pulled.self, from: bytes)
  }

  /// Starts it and comes back at once.
  static func start(
    _ arguments: [String], config: String? = nil, binary: String = PackagePaths.coppice
  ) throws -> RunningProgram {
    try RunningProgram(
      binary,
      arguments + ["--json", "--progress", "none", "--config", config ?? "/dev/null"],
      environment: noProxies)
  }

  /// Runs it as above, and gives the most memory that it has had, however it ended.
  static func measured(
    _ arguments: [String], in folder: TemporaryDirectory, config: String? = nil,
    binary: String = PackagePaths.coppice, seconds: Int = 300
  ) throws -> (run: Coppice, peakBytes: Int) {
    let script = try folder.write(
      """
      #!/usr/bin/env python3
      import os, sys
      child = os.fork()
      if child == 0:
          os.execv('\(binary)', ['coppice'] + sys.argv[1:])
      _, status, usage = os.wait4(child, 0)
      open(sys.argv[0] + '.peak', 'w').write(str(usage.ru_maxrss * 1024))
      sys.exit(os.waitstatus_to_exitcode(status))
      """, to: "measured")
    try mustRun("chmod", "755", script)
    let run = try Coppice(arguments, config: config, binary: script, seconds: seconds)
    return (run, Int(try folder.readText("measured.peak"))!)
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

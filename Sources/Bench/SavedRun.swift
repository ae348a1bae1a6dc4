// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// A run of benchmarks that was saved as JSON, to compare another with.
public struct SavedRun: Sendable {
  /// What the JSON of `coppice bench` calls itself.
  public static let schema = "coppice.bench/1"

  public let machine: Machine
  public let version: String?
  public let date: String?
  private let results: [(name: BenchName, unit: BenchUnit, median: UInt64)]

  private static let bytesMax = 8 << 20

  /// Reads one. Throws `file`, `notJSON`, or `notASavedRun`; results of suites that are not known
  /// here are passed over.
  public static func load(_ path: String) throws(BenchError) -> SavedRun {
    let bytes = try at(path) { () throws(Errno) in
      try FileDescriptor.open(path).readAll(limit: bytesMax)
    }
    let document: JSONDocument
    do throws(JSONError) { document = try JSONDocument(parsing: bytes) } catch {
      throw .notJSON(path: path, error)
    }
    let root = document.root
    guard let schema = root["schema"], schema.equals(SavedRun.schema),
      let results = root["results"], let machine = root["machine"]
    else { throw .notASavedRun(path: path) }
    return SavedRun(root, Machine(saved: machine), results)
  }

  private init(_ root: JSONNode, _ machine: Machine, _ results: JSONNode) {
    self.machine = machine
    version = root["version"]?.string
    date = root["date"]?.string
    var found: [(name: BenchName, unit: BenchUnit, median: UInt64)] = []
    for node in results.elements {
      guard let suite = node["suite"]?.string.flatMap({ BenchSuite(rawValue: $0) }),
        let name = node["name"]?.string, let parameters = node["parameters"],
        let unit = node["unit"]?.string.flatMap({ BenchUnit(rawValue: $0) }),
        let median = node["median"]?.integer, median > 0
      else { continue }
      let key = BenchName(
        suite: suite, name: name, parameters: SavedRun.parameters(parameters))
      found.append((key, unit, UInt64(median)))
    }
    self.results = found
  }

  private static func parameters(_ node: JSONNode) -> [BenchParameter] {
    var parameters: [BenchParameter] = []
    for (name, value) in node.members {
      if let word = value.string {
        parameters.append(BenchParameter(name: name, value: .word(word)))
      } else if let number = value.integer, number >= 0 {
        parameters.append(BenchParameter(name: name, value: .number(UInt64(number))))
      }
    }
    return parameters
  }

  /// The median of the same measure; nil if it was not made.
  public func median(of result: BenchResult) -> UInt64? {
    results.first { $0.name == result.name && $0.unit == result.unit }?.median
  }
}

extension Machine {
  fileprivate init(saved node: JSONNode) {
    board = node["board"]?.string
    processor = node["processor"]?.string
    architecture = node["architecture"]?.string ?? ""
    features = (node["features"]?.elements).map { $0.compactMap { $0.string } } ?? []
    cores = Int(clamping: node["cores"]?.integer ?? 0)
    governor = node["governor"]?.string
    frequencyMaxKilohertz = (node["frequency_max_khz"]?.integer).flatMap { UInt64(exactly: $0) }
    memoryBytes = UInt64(clamping: node["memory_bytes"]?.integer ?? 0)
    availableBytes = UInt64(clamping: node["available_bytes"]?.integer ?? 0)
    kernel = node["kernel"]?.string ?? ""
    fileSystem = node["file_system"]?.string ?? ""
  }
}

// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Golden vectors that are kept as JSON, read with Foundation's reader and not with ours.
public enum GoldenJSON {
  /// What the file at `path` below `Tests/Golden` holds.
  public static func read<Value: Decodable>(_ path: String, as type: Value.Type) throws -> Value {
    let data = try Data(contentsOf: URL(fileURLWithPath: PackagePaths.golden + "/" + path))
    return try JSONDecoder().decode(type, from: data)
  }
}

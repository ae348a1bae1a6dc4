// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Where the things are that tests use.
public enum PackagePaths {
  /// The folder that holds Package.swift.
  public static let root: String = {
    let thisFile = URL(fileURLWithPath: #filePath)
    return thisFile.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
  }()

  /// Bytes made by the real tools.
  public static let golden = root + "/Tests/Golden"

  /// The executable of the same build as the tests that run: it lies beside the test bundle, which
  /// is mapped into this process.
  public static let coppice: String = {
    let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
    let bundle = maps.split(separator: "\n").first { $0.hasSuffix(".xctest") }
    guard let start = bundle?.firstIndex(of: "/"), let path = bundle?[start...] else {
      fatalError("no test bundle is mapped into this process")
    }
    let url = URL(fileURLWithPath: String(path)).resolvingSymlinksInPath()
    return url.deletingLastPathComponent().appendingPathComponent("coppice").path
  }()
}

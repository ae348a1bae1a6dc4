// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import SelfTest
import Support
import Testing
import Updater
import Uptane

/// Cases whose verdicts were made by another implementation: all of a folder of vectors, that of
/// the environment's `COPPICE_UPTANE_VECTORS` if it is set.
@Suite struct UptaneVectorTests {
  static let folder =
    ProcessInfo.processInfo.environment["COPPICE_UPTANE_VECTORS"]
    ?? PackagePaths.golden + "/uptane"
  static let vectors = try! UptaneVectors(folder: folder)

  @Test func `there are cases`() {
    #expect(Self.vectors.names.count > 0)
    #expect(Set(Self.vectors.names).count == Self.vectors.names.count)
  }

  @Test(arguments: vectors.names)
  func `a case comes out as it must`(name: String) throws {
    let difference = try Self.vectors.play(name) { _ in MetadataMemory() }
    #expect(difference == nil, "\(name)")
  }

  @Test(arguments: vectors.names)
  func `a case comes out the same on a file system`(name: String) throws {
    let folder = try TemporaryDirectory("vectors")
    for repository in [Repository.director, .image] { try folder.makeDirectory(repository.name) }
    let difference = try Self.vectors.play(name) {
      MetadataStore(folder: folder.file($0.name))
    }
    #expect(difference == nil, "\(name)")
  }
}

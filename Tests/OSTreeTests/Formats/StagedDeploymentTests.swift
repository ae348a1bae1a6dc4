// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import OSTree
import Testing

@Suite struct StagedDeploymentTests {
  static let target = StagedDeployment.Target(
    commit: DirTreeTests.a, serial: 3, stateroot: "os", bootcsum: "")

  @Test func `the golden state is read and written again as it was`() throws {
    let bytes = try Golden.bytes("staged-deployment.bin")
    let staged = try StagedDeployment(parsing: bytes)
    #expect(
      staged.target.name == "ed05f417b8cb3bdf51b911e6504fb519608c3d6ee9fcde8b80b5ddd52c49db9e.0")
    #expect(staged.target.stateroot == "coppice")
    #expect(
      staged.target.bootcsum == "eec4473df979817e4a4ddfe3631a750169e42717f901c4a68c36f7d29e1def05")
    #expect(staged.mergeDeployment?.serial == 1)
    #expect(!staged.isLocked && staged.overlayInitrds.isEmpty)
    #expect(staged.kernelArguments?.first == "root=LABEL=root")
    #expect(staged.kernelArguments?.last == "staged=1")
    #expect(staged.bootEntryExtra.map(\.key) == ["fdtdir"])
    #expect(staged.serialized() == bytes)
  }

  @Test func `everything that there can be comes back`() throws {
    let full = StagedDeployment(
      target: Self.target, mergeDeployment: Self.target, isLocked: true, kernelArguments: [],
      overlayInitrds: ["/a", "/b"], bootEntryExtra: [("k", "v"), ("l", "")])
    let again = try StagedDeployment(parsing: full.serialized())
    #expect(again == full)
    #expect(again.isLocked && again.overlayInitrds == ["/a", "/b"] && again.kernelArguments == [])
    let least = StagedDeployment(
      target: Self.target, mergeDeployment: nil, kernelArguments: nil)
    #expect(try StagedDeployment(parsing: least.serialized()).kernelArguments == nil)
    #expect(least != full)
  }

  @Test(arguments: ["", "a.0", "\(DirTreeTests.a.hex)", "\(DirTreeTests.a.hex).", "../x.0"])
  func `a deployment that has no such name is refused`(name: String) {
    #expect(Self.refusal([("target", Self.deployment(name, "os"))]) == .key("target"))
  }

  @Test(arguments: ["01", "+1", "-1", "4294967296", "1.0"])
  func `a serial that no deployment has is refused`(serial: String) {
    let name = "\(DirTreeTests.a.hex).\(serial)"
    #expect(Self.refusal([("target", Self.deployment(name, "os"))]) == .key("target"))
  }

  @Test func `what is missing or of another type is refused`() {
    #expect(Self.refusal([]) == .key("target"))
    #expect(Self.refusal([("target", .string("a"))]) == .key("target"))
    let name = "\(DirTreeTests.a.hex).0"
    for stateroot in ["", "..", "a/b"] {
      #expect(Self.refusal([("target", Self.deployment(name, stateroot))]) == .key("target"))
    }
    let target = Self.deployment(name, "os")
    #expect(Self.refusal([("target", target)]) == nil)
    #expect(Self.refusal([("target", target), ("kargs", .string("a"))]) == .key("kargs"))
    #expect(Self.refusal([("target", target), ("locked", .string("a"))]) == .key("locked"))
  }

  static func deployment(_ name: String, _ stateroot: String) -> GVariantValue {
    .dictionary([("name", .string(name)), ("osname", .string(stateroot))])
  }

  static func refusal(_ entries: [(String, GVariantValue)]) -> FormatError? {
    do throws(FormatError) {
      _ = try StagedDeployment(parsing: GVariantValue.dictionary(entries).serialized())
      return nil
    } catch { return error }
  }
}

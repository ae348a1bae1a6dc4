// SPDX-License-Identifier: Apache-2.0
import Uptane

extension SelfTest {
  /// Plays every case of a folder of vectors.
  public static func run(uptaneVectors folder: String) -> Report {
    var report = Report()
    do throws(UptaneVectors.Failure) {
      let vectors = try UptaneVectors(folder: folder)
      for name in vectors.names {
        let difference = try vectors.play(name) { _ in MetadataMemory() }
        report.expect(difference == nil, "\(name): \(difference ?? "")")
      }
    } catch { report.fail("'\(folder)' holds vectors") }
    return report
  }

  /// A repository of one key and one target, from its root to its target, and what must not be
  /// taken for it.
  static func checkUptane(_ report: inout Report) {
    let now: Int64 = 1_800_000_000
    do throws(UptaneError) {
      let root = try RootChain(trusting: Array(SmallRepository.root.utf8), policy).finish(at: now)
      let timestamp = try root.accept(timestamp: SmallRepository.timestampBytes, stored: nil)
      let snapshot = try timestamp.accept(
        snapshot: Array(SmallRepository.snapshot.utf8), stored: nil)
      let targets = try snapshot.accept(
        targets: Array(SmallRepository.targets.utf8), storedVersion: nil
      ).settle()
      var search = targets.search(for: "a/b")
      report.expect(try search.next() == nil, "a target is found without delegations")
      report.expect(try search.result().length == 3, "a target is found")
      report.expect(
        fault { () throws(UptaneError) in
          _ = try root.accept(
            timestamp: Array(SmallRepository.olderTimestamp.utf8),
            stored: SmallRepository.timestampBytes)
        } == "rollback", "an older timestamp is refused")
      var damaged = SmallRepository.timestampBytes
      damaged[damaged.count - 3] ^= 1  // the version
      report.expect(
        fault { () throws(UptaneError) in _ = try root.accept(timestamp: damaged, stored: nil) }
          == "signature", "a timestamp that was changed is refused")
    } catch { report.fail("metadata end with \(error.fault.name)") }
    // After 2126, which 32 bits of seconds do not reach.
    report.expect(
      fault { () throws(UptaneError) in
        _ = try RootChain(trusting: Array(SmallRepository.root.utf8), policy)
          .finish(at: 4_923_000_000)
      } == "expired", "a root that has expired is refused")
  }

  private static var policy: VerificationPolicy { VerificationPolicy(.image) }

  private static func fault(_ body: () throws(UptaneError) -> Void) -> String? {
    do throws(UptaneError) { try body() } catch { return error.fault.name }
    return nil
  }
}

/// Signed with Ed25519 by one key, which is not kept; valid to 2126.
private enum SmallRepository {
  static var timestampBytes: [UInt8] { Array(timestamp.utf8) }

  static let root = #"""
    {"signatures":[{"keyid":"k","sig":"83a4027435a578b9fe22fef105069a265f9c4415fc15aae5808d875b4\#
    d822a7263db7c6ce49e834dd6bbf633c21f46eeb515487f072a7695c6420c4a1c37cf01"}],"signed":{"_type"\#
    :"root","consistent_snapshot":false,"expires":"2126-01-01T00:00:00Z","keys":{"k":{"keytype":\#
    "ed25519","keyval":{"public":"0ef68b5180ba70126a1c35691714435e4f2b6051ff6d1264507920894cfab4\#
    66"},"scheme":"ed25519"}},"roles":{"root":{"keyids":["k"],"threshold":1},"snapshot":{"keyids\#
    ":["k"],"threshold":1},"targets":{"keyids":["k"],"threshold":1},"timestamp":{"keyids":["k"],\#
    "threshold":1}},"spec_version":"1.0.31","version":1}}
    """#

  static let timestamp = #"""
    {"signatures":[{"keyid":"k","sig":"feb064f710993c3778db778b95bdeb11b7d74baa0781e5ca9b395f295\#
    ca0edee88b806f39ff1b450c1dcddbf7cf3fc47a3a34a0c8c3dec19e23a2a426a21d907"}],"signed":{"_type"\#
    :"timestamp","expires":"2126-01-01T00:00:00Z","meta":{"snapshot.json":{"length":468,"version\#
    ":1}},"spec_version":"1.0.31","version":2}}
    """#

  static let olderTimestamp = #"""
    {"signatures":[{"keyid":"k","sig":"3d605c401c6edff7a27f141ce873c47c79833fbc9a066bd6a61fb02e0\#
    2ac0f9c79f61dbadf0c920126d5b378876050cc7358c020ede5357a2b5f342f0f225105"}],"signed":{"_type"\#
    :"timestamp","expires":"2126-01-01T00:00:00Z","meta":{"snapshot.json":{"version":1}},"spec_v\#
    ersion":"1.0.31","version":1}}
    """#

  static let snapshot = #"""
    {"signatures":[{"keyid":"k","sig":"4ad26a096dc51c966493874350369d23f6f1af56c85cb558bde5752ed\#
    5147fe52017ece47bb4be9c1eabefb8f06f22754fc3e86cd8fbcb5628ec46aba1435e01"}],"signed":{"_type"\#
    :"snapshot","expires":"2126-01-01T00:00:00Z","meta":{"targets.json":{"hashes":{"sha512":"b1f\#
    d2c0b437400e262e06d5d2f8bdb28ee932668449087d4fb694973e77ea191c7ee83d4fc87c59e702faae60c9e182\#
    30b7f0f233ddac56f46eed917cbf67716"},"length":383,"version":1}},"spec_version":"1.0.31","vers\#
    ion":1}}
    """#

  static let targets = #"""
    {"signatures":[{"keyid":"k","sig":"7de743635fd73bcd726f4d97e01fae6d4b968ad53e014316816e77eac\#
    1626f601d21d3c889ae07429a0c723e8b28b8a3f860d89f5f0bd009ba62cc0bb2e8d804"}],"signed":{"_type"\#
    :"targets","expires":"2126-01-01T00:00:00Z","spec_version":"1.0.31","targets":{"a/b":{"hashe\#
    s":{"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},"length":3}\#
    },"version":1}}
    """#
}

// SPDX-License-Identifier: Apache-2.0
import Boot
import Cryptography
import Linux
import Testing

@testable import Deploy

@Suite struct RetentionTests {
  /// Letters for deployments: capitals are of another stateroot, `n` is the new one.
  private func deployment(_ letter: Character) -> Deployment {
    let digit = String(letter.unicodeScalars.first!.value, radix: 16)
    return Deployment(
      stateroot: letter.isUppercase ? "other" : "os",
      commit: Checksum(hex: String(repeating: digit, count: 64 / digit.count))!, serial: 0,
      bootChecksum: Checksum(hex: String(repeating: "0", count: 64))!, entry: BootEntry())
  }

  struct Case: Sendable {
    let old: String
    let booted: String
    let merge: String
    let pinned: String
    let retention: Retention
    let result: String

    init(
      _ old: String, booted: String = "", merge: String = "", pinned: String = "",
      keeping retention: Retention = [], gives result: String
    ) {
      self.old = old
      self.booted = booted
      self.merge = merge
      self.pinned = pinned
      self.retention = retention
      self.result = result
    }
  }

  /// What ostree-sysroot.c, `ostree_sysroot_simple_write_deployment`, keeps.
  private static let cases: [Case] = [
    Case("", gives: "n"),
    Case("a", merge: "a", gives: "na"),
    Case("ab", merge: "a", gives: "na"),
    Case("ab", merge: "a", pinned: "b", gives: "nab"),
    Case("ab", booted: "b", merge: "b", gives: "nb"),
    Case("abc", booted: "b", merge: "b", gives: "nb"),
    Case("abc", booted: "b", merge: "b", keeping: .pending, gives: "nab"),
    Case("abc", booted: "b", merge: "b", keeping: .rollback, gives: "nbc"),
    Case("abc", booted: "b", merge: "b", keeping: .all, gives: "nabc"),
    Case("aBc", booted: "c", merge: "c", gives: "nBc"),
    Case("ab", gives: "nab"),
    Case("ab", booted: "b", gives: "nb"),
  ]

  @Test(arguments: cases)
  func `old deployments stay as libostree keeps them`(item: Case) throws {
    let order = try item.retention.order(
      adding: deployment("n"), to: item.old.map(deployment),
      booted: item.booted.first.map(deployment), merge: item.merge.first.map(deployment),
      isDefault: true,
      isPinned: { (one) throws(DeployError) in item.pinned.map(deployment).contains(one) })
    #expect(order == item.result.map(deployment))
  }

  @Test(arguments: [
    ("ab", "a", "anb"), ("ab", "b", "abn"), ("Ab", "", "Abn"), ("", "", "n"),
  ])
  func `one that is not to be the default comes behind the booted one`(
    old: String, booted: String, result: String
  ) throws {
    let order = try Retention.all.order(
      adding: deployment("n"), to: old.map(deployment), booted: booted.first.map(deployment),
      merge: nil, isDefault: false, isPinned: { (_) throws(DeployError) in false })
    #expect(order == result.map(deployment))
  }
}

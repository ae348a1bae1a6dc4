// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Testing

@testable import Deploy

/// A board whose boot loader counts: what is the same whichever it is.
protocol CountingBoard {
  var sysroot: TestSysroot { get }
}

extension CountingBoard {
  func open() throws -> Sysroot { try sysroot.open() }

  @discardableResult
  func deploy(_ hex: String, trialBoots: Int = 3) throws -> DeployReport {
    try sysroot.deploy(hex) { $0.trialBoots = trialBoots }
  }

  @discardableResult
  func markGood() throws -> MarkGoodReport {
    let opened = try open()
    return try opened.markGood(try opened.lock())
  }

  @discardableResult
  func settleFallback() throws -> FallbackReport? {
    let opened = try open()
    return try opened.settleFallback(try opened.lock())
  }

  func booted() throws -> String { try #require(try open().state().booted).commit.hex }

  /// Commits in boot order.
  func order() throws -> [String] { try open().state().deployments.map { $0.commit.hex } }

  func proofs() throws -> [DeploymentProof] { try open().status().deployments.map { $0.proof } }

  func trials() throws -> TrialRecord { try open().trialRecord() }
}

// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Linux
import Support
import Testing

@testable import Updater

@Suite struct HistoryTests {
  private let folder: TemporaryDirectory
  private let history: History

  init() throws {
    folder = try TemporaryDirectory("history")
    history = History(folder: folder.file("var/lib/coppice"))
  }

  private let deployed = HistoryEntry(
    command: "update", exit: 0, result: "deployed", at: 1_795_219_964,
    commit: Checksum(hex: String(repeating: "4e", count: 32)))
  private let failed = HistoryEntry(
    command: "update", exit: 5, at: 1_795_219_999, error: "no-space")

  @Test func `without a file there is no last result`() throws {
    #expect(try history.entries() == [])
    #expect(history.last() == nil)
  }

  @Test func `what is recorded is read again, the newest first`() throws {
    try history.record(deployed)
    try history.record(failed)
    #expect(try history.entries() == [failed, deployed])
    #expect(history.last() == failed)
    #expect(history.last("update") == failed)
    #expect(history.last("check") == nil)
  }

  @Test func `the file is plain text`() throws {
    try history.record(deployed)
    let text = try folder.readText("var/lib/coppice/history")
    #expect(
      text == """
        [history]
        version=1

        [result 1]
        command=update
        exit=0
        result=deployed
        at=2026-11-21T00:12:44Z
        commit=\(String(repeating: "4e", count: 32))
        times=1

        """)
  }

  @Test func `runs that end the same way count up`() throws {
    try history.record(failed)
    try history.record(deployed)
    for second in 1...3 {
      var again = deployed
      again.at += Int64(second)
      try history.record(again)
    }
    let entries = try history.entries()
    #expect(entries.count == 2)
    #expect(entries.first?.times == 4)
    #expect(entries.first?.at == deployed.at + 3)
    #expect(entries.last == failed)
  }

  @Test func `no more than the newest are kept`() throws {
    for number in 1...25 {
      try history.record(HistoryEntry(command: "update", exit: Int32(number), at: Int64(number)))
    }
    #expect(try history.entries().map { $0.exit } == (6...25).reversed())
  }

  @Test(arguments: [
    "no keyfile at all", "[history]\nversion=2\n\n[result 1]\ncommand=update\nexit=0\n",
    "[history]\nversion=1\n\n[result 1]\ncommand=update\nexit=zero\nat=2026-11-21T00:12:44Z\n",
    "[history]\nversion=1\n\n[result 1]\ncommand=update\nexit=0\nat=yesterday\n",
    "[history]\nversion=1\n\n[result 1]\ncommand=update\nexit=99999999999\n"
      + "at=2026-11-21T00:12:44Z\n",
  ])
  func `what cannot be read is nothing, and is replaced`(text: String) throws {
    try folder.write(text, to: "var/lib/coppice/history")
    #expect(try history.entries() == [])
    try history.record(failed)
    #expect(try history.entries() == [failed])
  }

  @Test func `a place that cannot be written to is an error`() throws {
    try folder.write("a file", to: "var/lib")
    let recorded = Result { () throws(Errno) in try history.record(failed) }
    guard case .failure(let error) = recorded else {
      Issue.record("recorded below a file")
      return
    }
    #expect(error == .notDirectory || error == .exists)
  }
}

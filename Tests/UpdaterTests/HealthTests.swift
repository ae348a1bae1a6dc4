// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@testable import Updater

@Suite struct HealthTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory("health") }

  private func check(_ name: String, _ script: String, mode: Int = 0o755) throws {
    // Copied by a program: a file that this process has open for writing, in a child of another
    // test too, cannot be executed.
    let written = try folder.write(script, to: "written")
    _ = try mustRun("install", "-D", "-m", String(mode, radix: 8), written, folder.file(name))
  }

  private func run(limitSeconds: Int = 10) throws -> [HealthResult] {
    let health = Health([folder.file("a"), folder.file("b")], limitSeconds: limitSeconds)
    return try Result { () throws(UpdaterError) in try health.run() }.get()
  }

  @Test func `required ones come first, folder by folder, by name`() throws {
    for name in [
      "b/required.d/1", "a/wanted.d/1", "a/required.d/2", "a/required.d/1", "b/wanted.d/9",
    ] {
      try check(name, "#!/bin/sh\n")
    }
    let results = try run()
    #expect(
      results.map { $0.path }
        == [
          "a/required.d/1", "a/required.d/2", "b/required.d/1", "a/wanted.d/1", "b/wanted.d/9",
        ].map(folder.file))
    #expect(results.map { $0.isRequired } == [true, true, true, false, false])
    #expect(results.allSatisfy { $0.hasPassed })
  }

  @Test func `how a check ended is told`() throws {
    try check("a/required.d/1", "#!/bin/sh\nexit 3\n")
    try check("a/required.d/2", "#!/bin/sh\nkill -TERM $$\n")
    try check("a/required.d/3", "#!/nowhere\n")
    try check("a/required.d/4", "exit 4\n")  // names no shell
    #expect(
      try run().map { $0.end } == [
        .ended(.exited(3)), .ended(.killed(signal: 15)), .notStarted(.notFound),
        .ended(.exited(4)),
      ])
  }

  /// Whether the process ends within a minute: nothing but its parent's interest may be left of it.
  private func hasEnded(_ process: Int32) -> Bool {
    for _ in 0..<600 {
      let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
      if stat?.contains(") Z ") ?? true { return true }
      Thread.sleep(forTimeInterval: 0.1)
    }
    return false
  }

  @Test func `a check that hangs is ended with all that it has started`() throws {
    let number = folder.file("number")
    try check("a/required.d/1", "#!/bin/sh\nsleep 300 & echo $! >\(number); sleep 300\n")
    let results = try run(limitSeconds: 1)
    #expect(results.map { $0.end } == [.ended(.timedOut)])
    #expect((1000..<60_000).contains(results[0].milliseconds))
    let process = try #require(Int32(folder.readText("number").dropLast()))
    #expect(hasEnded(process))
  }

  @Test func `what cannot be executed, and folders, are passed over`() throws {
    try check("a/required.d/README", "exit 1\n", mode: 0o644)
    try check("a/required.d/folder/x", "exit 1\n")
    #expect(try run() == [])
  }

  @Test func `what a check says goes to standard error, and it gets no input`() throws {
    try check(
      "a/required.d/1",
      "#!/bin/sh\n[ \"$(readlink /proc/$$/fd/1)\" = \"$(readlink /proc/$$/fd/2)\" ] && "
        + "[ \"$(readlink /proc/$$/fd/0)\" = /dev/null ]\n")
    #expect(try run().map { $0.end } == [.ended(.exited(0))])
  }
}

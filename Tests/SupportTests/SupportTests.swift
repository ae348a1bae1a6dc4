// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

@Suite struct SupportTests {
  @Test func `a program's output, words and exit code come back`() throws {
    let result = try run(
      "sh", "-c", "cat; echo \"$GREETING\"; echo bad >&2; exit 3",
      environment: ["GREETING": "hello"], input: "in\n")
    #expect(result.status == 3)
    #expect(result.lines == ["in", "hello"])
    #expect(result.standardError == "bad\n")
  }

  @Test func `a program that a signal ends has the shell's exit code`() throws {
    #expect(try run("sh", "-c", "kill -9 $$").status == 137)
  }

  @Test func `a program that fails where it must not says what it said`() throws {
    let error = #expect(throws: ProgramError.self) {
      try mustRun("sh", "-c", "echo no such luck >&2; exit 1")
    }
    #expect(error?.description.contains("no such luck") == true)
    #expect(throws: ProgramError.self) { try run("a-program-that-nobody-has") }
  }

  @Test func `a program that does not end is killed`() throws {
    let started = Date()
    let program = try RunningProgram("sleep", ["60"])
    #expect(throws: ProgramError.self) { try program.wait(seconds: 1) }
    #expect(Date().timeIntervalSince(started) < 30)
  }

  @Test func `a temporary folder goes with its owner, whatever lies in it`() throws {
    var folder: TemporaryDirectory? = try TemporaryDirectory()
    let path = try #require(folder?.path)
    try folder?.write("text", to: "a/b/c")
    #expect(try folder?.readText("a/b/c") == "text")
    try mustRun("chmod", "0", path + "/a/b")
    if getuid() == 0 { _ = try run("chattr", "+i", path + "/a") }
    folder = nil
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `the executable under test is the one of this build`() {
    #expect(FileManager.default.isExecutableFile(atPath: PackagePaths.coppice))
    #expect(PackagePaths.coppice.hasPrefix(PackagePaths.root))
  }
}

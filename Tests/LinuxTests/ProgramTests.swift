// SPDX-License-Identifier: Apache-2.0
import Foundation
import Linux
import Support
import Testing

@Suite struct ProgramTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory("program") }

  /// Makes a script that says what it was given in the file `said`.
  private func script(_ text: String, _ name: String = "script") throws -> String {
    let written = try folder.write(text, to: "written")
    // Copied by a program: a file that this process has open for writing, in a child of another
    // test too, cannot be executed.
    _ = try mustRun("install", "-m", "755", written, folder.file(name))
    return folder.file(name)
  }

  private func run(_ program: Program, seconds: Int = 10) -> Result<ProgramEnd, Errno> {
    Result { () throws(Errno) in try program.run(limitSeconds: seconds) }
  }

  @Test(arguments: ["#!/bin/sh\n", ""])
  func `arguments come as they were given`(firstLine: String) throws {
    let said = folder.file("said")
    var program = Program(try script("\(firstLine)printf '%s|' \"$#\" \"$@\" >'\(said)'\n"))
    program.arguments = ["apply", "", "two words", "quote'\"$(touch x)", "ünïcode"]
    #expect(run(program) == .success(.exited(0)))
    #expect(try folder.readText("said") == "5|apply||two words|quote'\"$(touch x)|ünïcode|")
  }

  @Test func `variables go over those of this process, and the others stay`() throws {
    let said = folder.file("said")
    var program = Program(
      try script("#!/bin/sh\nenv | grep -E '^(PATH|HOME|COPPICE_TEST)=' | sort >'\(said)'\n"))
    program.variables = [("HOME", "a=b c"), ("COPPICE_TEST", "")]
    #expect(run(program) == .success(.exited(0)))
    let words = try folder.readText("said").split(separator: "\n").map(String.init)
    let path = try #require(ProcessInfo.processInfo.environment["PATH"])
    #expect(words == ["COPPICE_TEST=", "HOME=a=b c", "PATH=\(path)"])
  }

  @Test func `it runs in the folder that it is given`() throws {
    let place = try folder.makeDirectory("place")
    var program = Program(try script("#!/bin/sh\npwd >said\n"))
    program.workingDirectory = place
    #expect(run(program) == .success(.exited(0)))
    #expect(try folder.readText("place/said") == "\(place)\n")

    program.workingDirectory = folder.file("missing")
    #expect(run(program) == .failure(.notFound))
  }

  @Test func `what would be cut off at a NUL is refused`() throws {
    var program = Program(try script("#!/bin/sh\n"))
    program.arguments = ["one\0two"]
    #expect(run(program) == .failure(.invalid))
    program.arguments = []
    program.variables = [("NAME", "one\0two")]
    #expect(run(program) == .failure(.invalid))
  }

  @Test func `a program that is not there, and one that hangs`() throws {
    #expect(run(Program(folder.file("nothing"))) == .failure(.notFound))
    #expect(
      run(Program(try script("#!/bin/sh\nsleep 20\n")), seconds: 1) == .success(.timedOut))
  }

  @Test func `a program that is not waited for is asked how it ended, or ends with its value`()
    throws
  {
    var short = try Program(try script("#!/bin/sh\nexit 3\n")).start()
    while short.end() == nil { Clock.sleep(milliseconds: 10) }
    #expect(short.end() == .exited(3))

    let said = folder.file("said")
    try endOne(Program(try script("#!/bin/sh\necho $$ >'\(said)'\nexec sleep 60\n", "long")))
    let process = try folder.readText("said").dropLast()
    #expect(!FileManager.default.fileExists(atPath: "/proc/\(process)/fd"))
  }

  /// Starts it, and lets go of it when it has said something.
  private func endOne(_ program: Program) throws {
    var started = try program.start()
    while (try? folder.readText("said"))?.hasSuffix("\n") != true { Clock.sleep(milliseconds: 10) }
    #expect(started.end() == nil)
  }

  @Test func `a listener takes connections of this machine`() throws {
    let listener = try LoopbackListener()
    let address = try #require(SocketAddress("127.0.0.1", port: listener.port))
    let client = try Socket(connectingTo: address)
    let connection = try listener.accept()
    try connection.write("hello")
    var buffer = [UInt8](repeating: 0, count: 16)
    #expect(client.wait(for: .read, milliseconds: 5000) == .read)
    #expect(try client.receive(into: &buffer, 0..<16) == 5)
  }
}

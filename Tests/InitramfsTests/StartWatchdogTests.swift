// SPDX-License-Identifier: Apache-2.0
import Linux
import Support
import Testing

@testable import Initramfs

/// Without a watchdog; the end-to-end tests have one.
@Suite struct StartWatchdogTests {
  private func watchdog(_ arguments: String, _ path: String) -> StartWatchdog {
    StartWatchdog(BootOptions(KernelCommandLine(parsing: arguments)), path: path)
  }

  @Test func `one that is not asked for is not touched`() throws {
    let watchdog = watchdog("quiet", "/nowhere/watchdog")
    #expect(!watchdog.isMissing)
    let seconds = try Result { () throws(InitramfsError) in try watchdog.start() }.get()
    #expect(seconds == nil)
  }

  @Test func `one that is missing stays so until its driver is there`() throws {
    let folder = try TemporaryDirectory("watchdog")
    let path = folder.file("watchdog")
    let watchdog = watchdog("coppice.watchdog=30", path)
    let early = Result { () throws(InitramfsError) in try watchdog.start() }
    #expect(early == .failure(.file(path: path, .notFound)))
    #expect(watchdog.isMissing)
    // One that takes no time has its own: a plain file takes none.
    _ = try folder.write("", to: "watchdog")
    let late = Result { () throws(InitramfsError) in try watchdog.start() }
    #expect(late == .success(nil))
    #expect(!watchdog.isMissing)
  }
}

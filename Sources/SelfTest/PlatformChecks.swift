// SPDX-License-Identifier: Apache-2.0
import Linux

extension SelfTest {
  /// The sizes, clocks and names that the C library and the kernel give us.
  static func checkPlatform(_ report: inout Report) {
    report.expect(Clock.timeBytes == 8, "time_t has 64 bits")
    report.expect(Clock.fileOffsetBytes == 8, "off_t has 64 bits")
    let before = Clock.monotonicNanoseconds
    Clock.sleep(milliseconds: 2)
    let slept = Clock.monotonicNanoseconds - before
    report.expect(slept >= 2_000_000, "the monotonic clock runs while we sleep")
    report.expect(!Process.arguments.isEmpty, "the program knows its arguments")
    report.expect(!Process.machine.isEmpty, "uname(2) names the machine")
    report.expect(
      Process.randomBytes(16) != Process.randomBytes(16), "two draws of random bytes differ")
    report.expect(Process.usage.peakBytes > 0, "getrusage(2) tells the peak memory")
    report.expect(Errno.notFound.name == "ENOENT", "error 2 is called ENOENT")
    report.expect(Errno.quota.name == "EDQUOT", "error 122 is called EDQUOT")
  }
}

// SPDX-License-Identifier: Apache-2.0
import SelfTest
import Testing

@Suite struct SelfTestTests {
  @Test func `every check of the device holds on the host`() {
    let report = SelfTest.run()
    #expect(report.failures == [])
    #expect(report.passedCount >= 30)
  }

  @Test func `a report counts what held and names what did not`() {
    var report = Report()
    report.expect(true, "one holds")
    #expect(report.holds)
    report.expect(1 == 2, "one is two")
    report.fail("no end")
    #expect(report.failures == ["one is two", "no end"])
    #expect(report.summary == "1 passed, 2 failed")
    #expect(!report.holds)
  }
}

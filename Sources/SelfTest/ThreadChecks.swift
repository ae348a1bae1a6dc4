// SPDX-License-Identifier: Apache-2.0
import Linux
import Synchronization

/// Counts what became of it.
final class Tally: Sendable {
  let count = Atomic<Int>(0)
}

/// Tells a tally when it goes.
final class Canary: Sendable {
  let gone: Tally
  init(_ gone: Tally) { self.gone = gone }
  deinit { gone.count.add(1, ordering: .releasing) }
}

extension SelfTest {
  static func checkThreads(_ report: inout Report) {
    checkReferenceCounts(&report)
    checkChannel(&report)
    checkGuarded(&report)
  }

  /// Threads retain and release the same object: counts that are not atomic end in a crash, a
  /// leak or more than one `deinit`.
  private static func checkReferenceCounts(_ report: inout Report) {
    let (threads, rounds) = (4, 20_000)
    let gone = Tally()
    let ran = Tally()
    do {
      let canary = Canary(gone)
      Thread.fanOut(threads) { _ in
        var kept: [Canary] = []
        for _ in 0..<rounds {
          kept.append(canary)
          if kept.count > 64 { kept.removeAll(keepingCapacity: true) }
        }
        ran.count.add(kept.isEmpty ? 0 : 1, ordering: .relaxed)
      }
    }
    // A thread may still be letting go of its closure.
    var waited = 0
    while gone.count.load(ordering: .acquiring) == 0, waited < 5000 {
      Clock.sleep(milliseconds: 1)
      waited += 1
    }
    report.expect(ran.count.load(ordering: .acquiring) == threads, "every thread ran to its end")
    report.expect(
      gone.count.load(ordering: .acquiring) == 1, "an object shared by threads goes exactly once")
  }

  /// What is sent arrives once, also through a queue much shorter than what passes.
  private static func checkChannel(_ report: inout Report) {
    let channel = Channel<Int>(capacity: 3)
    let sum = Tally()
    let received = Tally()
    Thread.fanOut(3) { index in
      if index == 0 {
        for number in 1...1000 { channel.send(number) }
        channel.close()
        return
      }
      while let number = channel.receive() {
        sum.count.add(number, ordering: .relaxed)
        received.count.add(1, ordering: .relaxed)
      }
    }
    report.expect(received.count.load(ordering: .acquiring) == 1000, "a channel loses nothing")
    report.expect(sum.count.load(ordering: .acquiring) == 500_500, "a channel doubles nothing")
    report.expect(!channel.send(1), "a closed channel takes nothing")
  }

  private static func checkGuarded(_ report: inout Report) {
    let counter = Shared(Guarded(0))
    Thread.fanOut(4) { _ in
      for _ in 0..<10_000 { counter.value.withLock { $0 += 1 } }
    }
    report.expect(counter.value.withLock { $0 } == 40_000, "a lock keeps threads apart")
    let timedOut = counter.value.wait(milliseconds: 5) { $0 < 0 ? true : nil }
    report.expect(timedOut == nil, "waiting for what never comes ends in time")
  }
}

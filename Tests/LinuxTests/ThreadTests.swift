// SPDX-License-Identifier: Apache-2.0
import Linux
import Support
import Synchronization
import Testing

@Suite struct ThreadTests {
  @Test(arguments: [0, 1, 2, 7]) func `each part of a fan-out runs once`(count: Int) {
    let seen = Shared(Guarded<[Int]>([]))
    Thread.fanOut(count) { index in seen.value.withLock { $0.append(index) } }
    #expect(seen.value.withLock { $0.sorted() } == Array(0..<count))
  }

  @Test func `what the threads of a fan-out held is let go of when it returns`() {
    final class Held: Sendable {}
    for _ in 0..<300 {
      var held = Held()
      Thread.fanOut(3) { [held] _ in _ = held }
      #expect(isKnownUniquelyReferenced(&held))
    }
  }

  @Test func `a channel hands on everything, in order for one reader, and then ends`() {
    let channel = Channel<Int>(capacity: 3)
    Thread.fanOut(2) { index in
      if index == 0 {
        for number in 0..<1000 { channel.send(number) }
        channel.close()
      } else {
        var expected = 0
        while let number = channel.receive() {
          #expect(number == expected)
          expected += 1
        }
        #expect(expected == 1000)
      }
    }
    #expect(!channel.send(1))
  }

  @Test func `a channel without room takes nothing from one who does not wait`() {
    let channel = Channel<Int>(capacity: 2)
    #expect(channel.trySend(1))
    #expect(channel.trySend(2))
    #expect(!channel.trySend(3))
    #expect(channel.receive() == 1)
    #expect(channel.trySend(4))
    channel.close()
    #expect(!channel.trySend(5))
    #expect(channel.receive() == 2)
    #expect(channel.receive() == 4)
    #expect(channel.receive() == nil)
  }

  @Test func `waiting for a value ends after the time that was given`() {
    let value = Guarded(1)
    let start = Clock.monotonicNanoseconds
    #expect(value.wait(milliseconds: 50) { $0 == 2 ? true : nil } == nil)
    #expect(Clock.monotonicNanoseconds - start >= 50_000_000)
    #expect(value.wait(milliseconds: 50) { $0 == 1 ? true : nil } == true)
  }

  @Test func `one exclusive lock or many shared ones`() throws {
    let folder = try TemporaryDirectory("lock")
    let path = folder.path + "/lock"
    let first = try FileDescriptor.open(path, [.readWrite, .create])
    let second = try FileDescriptor.open(path, .readWrite)
    #expect(try first.tryLock(.shared))
    #expect(try second.tryLock(.shared))
    #expect(try !first.tryLock(.exclusive))
    second.unlock()
    #expect(try first.tryLock(.exclusive))
    #expect(try !second.tryLock(.shared))
  }
}

// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// A thread of execution; letting go of it without `join()` detaches it. pthread_create(3).
@frozen @safe public struct Thread: ~Copyable, @unchecked Sendable {
  private let handle: UnsafeMutableRawPointer

  private final class Start {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Starts `body`. Throws `.again` if the system has no more threads.
  public init(
    stackBytes: Int = 256 << 10, _ body: @escaping @Sendable () -> Void
  ) throws(Errno) {
    let context = unsafe Unmanaged.passRetained(Start(body)).toOpaque()
    let started = unsafe clinux_thread_start(
      { unsafe Unmanaged<Start>.fromOpaque($0).takeRetainedValue().body() }, context, stackBytes)
    guard let handle = unsafe started else {
      unsafe Unmanaged<Start>.fromOpaque(context).release()
      throw .last
    }
    unsafe self.handle = handle
  }

  /// Waits for the end of the thread.
  public consuming func join() {
    unsafe clinux_thread_join(handle)
    discard self
  }

  deinit { unsafe clinux_thread_detach(handle) }

  /// How many cores this process may use. sched_getaffinity(2).
  public static var cores: Int { max(1, Int(clinux_cores())) }

  /// Runs `body(0)` … `body(count - 1)`, each on a thread of its own but the last, which runs on
  /// this one, and returns when all are done. A thread that cannot be started is run here instead.
  public static func fanOut(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let left = Guarded(count - 1)
    let shared = Shared(left)
    for index in 0..<max(0, count - 1) {
      do throws(Errno) {
        _ = try Thread {
          body(index)
          shared.value.withLock { $0 -= 1 }
          shared.value.wakeAll()
        }
      } catch {
        body(index)
        shared.value.withLock { $0 -= 1 }
      }
    }
    if count > 0 { body(count - 1) }
    shared.value.wait { $0 <= 0 ? () : nil }
  }
}

/// A class around a value that cannot be copied, so that threads can share it.
public final class Shared<Value: ~Copyable & Sendable>: Sendable {
  public let value: Value
  public init(_ value: consuming sending Value) { self.value = value }
}

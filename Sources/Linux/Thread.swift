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

  /// Ends the ownership: somebody else joins it.
  consuming func release() -> UnsafeMutableRawPointer {
    let handle = unsafe self.handle
    discard self
    return unsafe handle
  }

  deinit { unsafe clinux_thread_detach(handle) }

  /// How many cores this process may use. sched_getaffinity(2).
  public static var cores: Int { max(1, Int(clinux_cores())) }

  /// Runs `body(0)` … `body(count - 1)`, each on a thread of its own but the last, which runs on
  /// this one, and returns when all are done. A thread that cannot be started is run here instead.
  public static func fanOut(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    var threads = ThreadGroup()
    for index in 0..<max(0, count - 1) {
      do throws(Errno) { try threads.start { body(index) } } catch { body(index) }
    }
    if count > 0 { body(count - 1) }
    threads.join()
  }
}

/// Threads that are waited for together. Once they are joined, nothing that their bodies held is
/// held any more: a lock file, for one.
@safe public struct ThreadGroup: ~Copyable {
  private var handles: [UnsafeMutableRawPointer] = unsafe []

  public init() {}

  /// Throws `.again` if the system has no more threads.
  public mutating func start(_ body: @escaping @Sendable () -> Void) throws(Errno) {
    unsafe handles.append(try Thread(body).release())
  }

  /// Waits for the end of all of them. pthread_join(3).
  public mutating func join() {
    for index in unsafe handles.indices { unsafe clinux_thread_join(handles[index]) }
    unsafe handles.removeAll()
  }

  deinit {
    for index in unsafe handles.indices { unsafe clinux_thread_detach(handles[index]) }
  }
}

/// A class around a value that cannot be copied, so that threads can share it.
public final class Shared<Value: ~Copyable & Sendable>: Sendable {
  public let value: Value
  public init(_ value: consuming sending Value) { self.value = value }
}

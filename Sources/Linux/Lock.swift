// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// A value behind a mutex, with a condition to wait for. pthread_mutex_lock(3).
///
/// Stands in for `Mutex`, which Embedded Swift does not have, in both builds: what is tested is
/// what ships.
@safe public struct Guarded<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  private let lock: OpaquePointer
  private let value: UnsafeMutablePointer<Value>

  public init(_ initial: consuming sending Value) {
    unsafe lock = clinux_lock_make()
    unsafe value = .allocate(capacity: 1)
    unsafe value.initialize(to: initial)
  }

  deinit {
    unsafe value.deinitialize(count: 1)
    unsafe value.deallocate()
    unsafe clinux_lock_free(lock)
  }

  public borrowing func withLock<R: ~Copyable, E: Error>(
    _ body: (inout sending Value) throws(E) -> sending R
  ) throws(E) -> sending R {
    unsafe clinux_lock_take(lock)
    defer { unsafe clinux_lock_release(lock) }
    return unsafe try body(&value.pointee)
  }

  /// Waits until `body`, which runs under the lock, gives a value.
  public borrowing func wait<R>(_ body: (inout sending Value) -> sending R?) -> sending R {
    unsafe clinux_lock_take(lock)
    defer { unsafe clinux_lock_release(lock) }
    while true {
      if let result = unsafe body(&value.pointee) { return result }
      unsafe clinux_lock_wait(lock)
    }
  }

  /// As `wait`, but gives nil after `milliseconds` without a value.
  public borrowing func wait<R>(
    milliseconds: Int64, _ body: (inout sending Value) -> sending R?
  ) -> sending R? {
    let end = Clock.monotonicNanoseconds + milliseconds * 1_000_000
    unsafe clinux_lock_take(lock)
    defer { unsafe clinux_lock_release(lock) }
    while true {
      if let result = unsafe body(&value.pointee) { return result }
      let left = end - Clock.monotonicNanoseconds
      if left <= 0 { return nil }
      _ = unsafe clinux_lock_wait_for(lock, left)
    }
  }

  /// Wakes all that wait, to look again.
  public borrowing func wakeAll() { unsafe clinux_lock_wake_all(lock) }
}

/// A bounded queue between threads.
public final class Channel<Element: Sendable>: Sendable {
  private struct State {
    var items: [Element] = []
    var head = 0
    var closed = false
    var count: Int { items.count - head }
  }
  private let state: Guarded<State>
  private let capacity: Int

  public init(capacity: Int) {
    self.capacity = capacity
    state = Guarded(State())
  }

  /// Waits for room; false if the channel is closed, and the element is dropped.
  @discardableResult
  public func send(_ element: Element) -> Bool {
    let capacity = self.capacity
    let sent = state.wait { state -> Bool? in
      if state.closed { return false }
      if state.count >= capacity { return nil }
      state.items.append(element)
      return true
    }
    state.wakeAll()
    return sent
  }

  /// False, and the element is dropped, where there is no room now or the channel is closed.
  public func trySend(_ element: Element) -> Bool {
    let capacity = self.capacity
    let sent = state.withLock { state in
      if state.closed || state.count >= capacity { return false }
      state.items.append(element)
      return true
    }
    if sent { state.wakeAll() }
    return sent
  }

  /// Waits for an element; nil when the channel is closed and empty.
  public func receive() -> Element? {
    let received = state.wait { state -> Element?? in
      if state.count > 0 { return .some(Channel.takeFirst(&state)) }
      return state.closed ? .some(nil) : nil
    }
    state.wakeAll()
    return received
  }

  /// The next element if one is there now, without waiting.
  public func tryReceive() -> Element? {
    let received = state.withLock { $0.count > 0 ? Channel.takeFirst(&$0) : nil }
    if received != nil { state.wakeAll() }
    return received
  }

  private static func takeFirst(_ state: inout State) -> Element {
    let element = state.items[state.head]
    state.head += 1
    if state.head * 2 >= state.items.count {
      state.items.removeFirst(state.head)
      state.head = 0
    }
    return element
  }

  /// No more is sent; what is in the queue is still received unless `discarding`.
  public func close(discarding: Bool = false) {
    state.withLock { state in
      state.closed = true
      if discarding {
        state.items = []
        state.head = 0
      }
    }
    state.wakeAll()
  }
}

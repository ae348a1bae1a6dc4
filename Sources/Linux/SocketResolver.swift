// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// Why a name has no address.
public enum ResolverError: Error, Hashable, Sendable { case unknownHost, temporary, timedOut }

/// Looks names up in /etc/hosts and DNS, and nowhere else: the plug-ins that nsswitch.conf may
/// name belong to the running system's libc, not to a static program. getaddrinfo(3).
public enum Resolver {
  /// More addresses than this are not tried.
  static let addressesMax = 16

  /// Blocks for `milliseconds` at most: the look-up itself cannot be ended, so it runs on a
  /// thread of its own, which is left behind when the time is up. `isCancelled` is asked about
  /// five times a second.
  public static func addresses(
    of host: String, port: UInt16, milliseconds: Int64, isCancelled: () -> Bool
  ) throws(ResolverError) -> [SocketAddress] {
    if let address = SocketAddress(host, port: port) { return [address] }
    let lookup = Lookup()
    do throws(Errno) {
      _ = try Thread { lookup.run(host, port) }
    } catch {
      throw .temporary
    }
    let end = Clock.monotonicNanoseconds + milliseconds * 1_000_000
    while true {
      if let answer = lookup.wait(milliseconds: 200) { return try answer.get() }
      if isCancelled() || Clock.monotonicNanoseconds >= end { throw .timedOut }
    }
  }

  /// Shared by the thread that looks up and the one that waits; freed by the later of the two.
  private final class Lookup: Sendable {
    private let state = Guarded<Result<[SocketAddress], ResolverError>?>(nil)

    func wait(milliseconds: Int64) -> Result<[SocketAddress], ResolverError>? {
      state.wait(milliseconds: milliseconds) { $0 }
    }

    func run(_ host: String, _ port: UInt16) {
      let answer = Resolver.lookUp(host, port)
      state.withLock { $0 = answer }
      state.wakeAll()
    }
  }

  private static func lookUp(
    _ host: String, _ port: UInt16
  ) -> Result<[SocketAddress], ResolverError> {
    var found = [clinux_address](repeating: clinux_address(), count: addressesMax)
    let count = unsafe found.withUnsafeMutableBufferPointer {
      unsafe clinux_resolve(host, port, $0.baseAddress!, Int32($0.count))
    }
    if count > 0 { return .success(found.prefix(Int(count)).map { SocketAddress($0) }) }
    return .failure(count == Int32(CLINUX_RESOLVE_UNKNOWN) ? .unknownHost : .temporary)
  }
}

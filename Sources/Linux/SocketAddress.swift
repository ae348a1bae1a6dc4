// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// Where a TCP connection goes: an IPv4 or IPv6 address with its port. ip(7), ipv6(7).
public struct SocketAddress: Sendable {
  let raw: clinux_address

  init(_ raw: clinux_address) { self.raw = raw }

  /// Nil if `text` is not an address (but perhaps a name). inet_pton(3).
  public init?(_ text: String, port: UInt16) {
    var raw = clinux_address()
    guard unsafe clinux_address_parse(text, port, &raw) == 1 else { return nil }
    self.raw = raw
  }

  /// The first IPv4 address of a network interface. netdevice(7), `SIOCGIFADDR`.
  public init(ofInterface name: String) throws(Errno) {
    var raw = clinux_address()
    _ = try retrying { unsafe clinux_interface_ipv4(name, &raw) }
    self.raw = raw
  }

  public var isIPv6: Bool {
    var raw = raw
    return unsafe clinux_address_is_ipv6(&raw) != 0
  }

  /// The address without its port, for example "192.0.2.1" or "2001:db8::1". inet_ntop(3).
  public var text: String {
    var raw = raw
    var buffer = [CChar](repeating: 0, count: 64)
    return unsafe buffer.withUnsafeMutableBufferPointer {
      unsafe clinux_address_text(&raw, $0.baseAddress!, $0.count)
      return unsafe String(cString: $0.baseAddress!)
    }
  }

  /// Whether the first `bits` of the address are those of `network`, which is of its family.
  public func isWithin(_ network: SocketAddress, bits: Int) -> Bool {
    guard isIPv6 == network.isIPv6 else { return false }
    let (own, other) = (addressBytes, network.addressBytes)
    for bit in 0..<min(bits, own.count * 8) {
      if (own[bit / 8] ^ other[bit / 8]) >> UInt8(7 - bit % 8) & 1 != 0 { return false }
    }
    return true
  }

  /// In network order, where struct sockaddr_in and sockaddr_in6 have them.
  private var addressBytes: [UInt8] {
    let range = isIPv6 ? 8..<24 : 4..<8
    return unsafe withUnsafeBytes(of: raw.bytes) { unsafe Array($0[range]) }
  }
}

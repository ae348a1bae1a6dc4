// SPDX-License-Identifier: Apache-2.0
internal import Linux

/// Hosts that are reached without the proxy: what `no_proxy` lists. Names match themselves and
/// what ends in them after a dot; addresses match themselves or, as `192.0.2.0/24`, their network;
/// `:port` narrows an entry; `*` is everything.
struct ProxyExceptions: Sendable {
  private struct Entry: Sendable {
    /// In lower case, without the dot that may stand in front.
    var host: [UInt8]
    var port: UInt16?
    var network: (address: SocketAddress, bits: Int)?
  }
  private var entries: [Entry] = []
  private var isEverything = false

  init(_ list: String) {
    let separators: (UInt8) -> Bool = { $0 == UInt8(ascii: ",") || $0.isBlank }
    for item in Array(list.utf8).split(whereSeparator: separators) {
      if item.elementsEqual("*".utf8) {
        isEverything = true
      } else if let entry = ProxyExceptions.entry(Array(item)) {
        entries.append(entry)
      }
    }
  }

  func contains(host: String, port: UInt16) -> Bool {
    if isEverything { return true }
    let name = Array(host.utf8)
    let address = SocketAddress(host, port: port)
    return entries.contains { entry in
      if let wanted = entry.port, wanted != port { return false }
      if let network = entry.network {
        return address.map { $0.isWithin(network.address, bits: network.bits) } ?? false
      }
      if name == entry.host { return true }
      return address == nil && name.count > entry.host.count
        && name.suffix(entry.host.count).elementsEqual(entry.host)
        && name[name.count - entry.host.count - 1] == UInt8(ascii: ".")
    }
  }

  private static func entry(_ item: [UInt8]) -> Entry? {
    if let network = network(item) { return Entry(host: [], port: nil, network: network) }
    var host = item.map(URLCharacter.lowered)[...]
    var port: UInt16?
    if host.first == UInt8(ascii: "["), let end = host.firstIndex(of: UInt8(ascii: "]")) {
      if end + 1 < host.endIndex, host[end + 1] == UInt8(ascii: ":") {
        port = host[(end + 2)...].decimalNumber.flatMap { UInt16(exactly: $0) }
      }
      host = host[(host.startIndex + 1)..<end]
    } else if let colon = host.firstIndex(of: UInt8(ascii: ":")),
      host[(colon + 1)...].firstIndex(of: UInt8(ascii: ":")) == nil
    {
      port = host[(colon + 1)...].decimalNumber.flatMap { UInt16(exactly: $0) }
      if port == nil { return nil }
      host = host[..<colon]
    }
    if host.first == UInt8(ascii: ".") { host = host.dropFirst() }
    return host.isEmpty ? nil : Entry(host: Array(host), port: port, network: nil)
  }

  /// `192.0.2.0/24`, `2001:db8::/32`, or an address alone.
  private static func network(_ item: [UInt8]) -> (SocketAddress, Int)? {
    let slash = item.firstIndex(of: UInt8(ascii: "/")) ?? item.endIndex
    guard let address = SocketAddress(String(decoding: item[..<slash], as: UTF8.self), port: 0)
    else { return nil }
    let width = address.isIPv6 ? 128 : 32
    if slash == item.endIndex { return (address, width) }
    guard let bits = item[(slash + 1)...].decimalNumber, bits <= UInt64(width) else { return nil }
    return (address, Int(bits))
  }
}

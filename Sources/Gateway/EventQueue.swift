// SPDX-License-Identifier: Apache-2.0
import Linux
import Transport

/// Events until the server has them: a file each below `events/`, named by its number. Bounded; the
/// oldest give way.
///
/// An event is sent at least once: who was cut off between the answer and forgetting it sends it
/// again, with the same id.
struct EventQueue {
  static let eventsMax = 500
  private static let digits = 10
  private static let numberMax: UInt64 = 9_999_999_999
  private static let folderName = "events"

  let folder: GatewayFolder
  private var path: String { folder.file(EventQueue.folderName) }

  /// Durable when it returns.
  func add(_ event: Event) throws(GatewayError) {
    let place = try open()
    var names = try names()
    let last = names.last.flatMap { UInt64($0) } ?? 0
    // Nobody counts so far; who finds such a number did not write it with us.
    if last >= EventQueue.numberMax { throw .damaged(path: path) }
    let number = String(last + 1)
    let name = String(repeating: "0", count: EventQueue.digits - number.utf8.count) + number
    let bytes = event.json(id: Event.identifier()).canonicalBytes
    try at(path) { () throws(Errno) in
      while names.count >= EventQueue.eventsMax {
        try place.unlinkIfPresent(names.removeFirst())
      }
      try place.replaceFile(name, with: bytes, mode: 0o600)
    }
  }

  /// The numbers of those that wait, oldest first.
  func names() throws(GatewayError) -> [String] {
    do throws(Errno) {
      return try FileDescriptor.openDirectory(path).sortedEntries().map { $0.name }.filter {
        $0.utf8.count == EventQueue.digits && UInt64($0) != nil
      }
    } catch {
      if error == .notFound { return [] }
      throw .file(path: path, error)
    }
  }

  /// Sends all that wait, oldest first, in one array, or in as many as the server wants; gives how
  /// many it took. A server without events (404) ends the queue; one that is too large even alone
  /// (413) is dropped. Whatever else fails leaves the rest for the next time.
  func send(to server: GatewayServer) throws(GatewayError) -> Int {
    let url = server.base.appending("events")
    var waiting = try names()
    var (batch, sent) = (waiting.count, 0)
    while !waiting.isEmpty {
      let part = Array(waiting.prefix(batch))
      let answer = try server.post(try body(part), to: url, isIdempotent: true)
      switch answer.status {
      case 200...299:
        sent += part.count
        try forget(part)
        waiting.removeFirst(part.count)
      case 404:
        try forget(waiting)
        return sent
      case 413 where part.count > 1: batch = part.count / 2
      case 413:
        try forget(part)
        waiting.removeFirst()
      default: throw answer.refusal(url)
      }
    }
    return sent
  }

  /// An array; what became unreadable is left out.
  private func body(_ names: [String]) throws(GatewayError) -> [UInt8] {
    var body: [UInt8] = [UInt8(ascii: "[")]
    for name in names {
      guard let event = try folder.read("\(EventQueue.folderName)/\(name)"),
        event.first == UInt8(ascii: "{"), event.last == UInt8(ascii: "}")
      else { continue }
      if body.count > 1 { body.append(UInt8(ascii: ",")) }
      body += event
    }
    body.append(UInt8(ascii: "]"))
    return body
  }

  private func forget(_ names: [String]) throws(GatewayError) {
    let place = try open()
    try at(path) { () throws(Errno) in
      for name in names { try place.unlinkIfPresent(name) }
      try place.sync()
    }
  }

  private func open() throws(GatewayError) -> FileDescriptor {
    let outer = try folder.open()
    return try at(path) { () throws(Errno) in
      do throws(Errno) { try outer.makeDirectory(EventQueue.folderName, mode: 0o700) } catch {
        if error != .exists { throw error }
      }
      try outer.sync()
      return try outer.openDirectory(EventQueue.folderName)
    }
  }
}

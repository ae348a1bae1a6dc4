// SPDX-License-Identifier: Apache-2.0
import Linux

/// The least of an HTTP/1.1 server: the files of one folder, to this machine alone, requests of a
/// connection answered in order, as many at a time as come. RFC 9112.
///
/// It runs in a process of its own, so that what it costs is not counted as the client's.
enum LoopbackServer {
  private static let headBytesMax = 64 << 10
  private static let bufferBytes = 128 << 10

  /// Serves until the process ends. `announce` is told the port first.
  static func run(
    _ folder: String, announce: (UInt16) throws(BenchError) -> Void
  ) throws(BenchError) {
    Process.ignoreBrokenPipes()
    let root = Shared(
      try at(folder) { () throws(Errno) in try FileDescriptor.openDirectory(folder) })
    let listener = try at("127.0.0.1") { () throws(Errno) in try LoopbackListener() }
    try announce(listener.port)
    while true {
      try at("127.0.0.1") { () throws(Errno) in
        let connection = Shared(try listener.accept())
        _ = try Thread { serve(connection, root) }
      }
    }
  }

  /// A client that goes away is not worth a word.
  private static func serve(_ connection: Shared<FileDescriptor>, _ root: Shared<FileDescriptor>) {
    do throws(Errno) { try answerAll(connection.value, root.value) } catch {}
  }

  private static func answerAll(
    _ connection: borrowing FileDescriptor, _ root: borrowing FileDescriptor
  ) throws(Errno) {
    var head: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: bufferBytes)
    while true {
      while let end = endOfHead(head) {
        guard let path = path(in: head[..<end]) else { return }
        head.removeFirst(end)
        try answer(path, connection, root, &buffer)
      }
      if head.count > headBytesMax { return }
      let count = try connection.read(into: &buffer)
      if count == 0 { return }
      head.append(contentsOf: buffer[..<count])
    }
  }

  /// Where the next request begins; nil if this one is not complete.
  private static func endOfHead(_ bytes: [UInt8]) -> Int? {
    var index = 3
    while index < bytes.count {
      if bytes[index] == 0x0A, bytes[index - 1] == 0x0D, bytes[index - 2] == 0x0A {
        return index + 1
      }
      index += 1
    }
    return nil
  }

  /// Of `GET /PATH HTTP/1.1`; nil for anything else.
  private static func path(in head: ArraySlice<UInt8>) -> String? {
    let words = head.prefix { $0 != 0x0D }.split(separator: UInt8(ascii: " "))
    guard words.count == 3, words[0].elementsEqual("GET".utf8),
      words[1].first == UInt8(ascii: "/")
    else { return nil }
    return String(validating: words[1].dropFirst(), as: UTF8.self)
  }

  private static func answer(
    _ path: String, _ connection: borrowing FileDescriptor, _ root: borrowing FileDescriptor,
    _ buffer: inout [UInt8]
  ) throws(Errno) {
    do throws(Errno) {
      let file = try root.openBeneath(path)
      let status = try file.status()
      guard status.type == .regular else { throw .notFound }
      try send(file, status.sizeBytes, connection, &buffer)
    } catch {
      guard error == .notFound || error == .notDirectory else { throw error }
      try connection.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    }
  }

  /// A small file goes out with its head in one piece.
  private static func send(
    _ file: borrowing FileDescriptor, _ sizeBytes: UInt64, _ connection: borrowing FileDescriptor,
    _ buffer: inout [UInt8]
  ) throws(Errno) {
    var filled = 0
    for byte in "HTTP/1.1 200 OK\r\nContent-Length: \(sizeBytes)\r\n\r\n".utf8 {
      buffer[filled] = byte
      filled += 1
    }
    while true {
      let count = try file.read(into: &buffer, at: filled)
      filled += count
      if count > 0, filled < buffer.count { continue }
      if filled == 0 { return }
      try connection.write(buffer.span.extracting(0..<filled))
      if count == 0 { return }
      filled = 0
    }
  }
}

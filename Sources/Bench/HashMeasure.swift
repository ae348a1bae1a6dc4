// SPDX-License-Identifier: Apache-2.0

/// One measure of hashing files: how, what, by how many, and from where.
struct HashMeasure: Sendable {
  enum Files: Hashable, Sendable {
    /// The one large file, each thread a part of it.
    case bulk
    /// Files of this size.
    case many(bytes: Int64)
  }

  var method: HashMethod
  var files = Files.bulk
  var threads = 1
  /// Whether the page cache is emptied before each run.
  var isCold = false

  var name: String {
    switch method.way {
    case .read: "read"
    case .map: "map"
    case .fileHash: "default"
    }
  }

  var parameters: [BenchParameter] {
    var parameters: [BenchParameter] = []
    if case .many(let bytes) = files { parameters.append(.number("file_bytes", Int(bytes))) }
    switch method.way {
    case .read(let bytes): parameters.append(.number("buffer_bytes", bytes))
    case .map(let bytes?): parameters.append(.number("window_bytes", Int(bytes)))
    case .map(nil): parameters.append(.word("window", "whole"))
    case .fileHash: break
    }
    if method.advice != .sequential {
      parameters.append(.word("advice", method.advice.rawValue))
    }
    if method.dropsBehind { parameters.append(.word("drop", "behind")) }
    parameters.append(.word("cache", isCold ? "cold" : "hot"))
    parameters.append(.number("threads", threads))
    return parameters
  }
}

// What is measured.
extension HashMeasure {
  static let windows: [Int64] = [64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20]
  static let buffers: [Int] = [16 << 10, 64 << 10, 256 << 10, 1 << 20]
  /// Closer together where reading and mapping are expected to part.
  static let sizes: [Int64] = [
    4 << 10, 16 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20, 4 << 20, 16 << 20,
    64 << 20,
  ]
  /// What stands for all windows and buffers where something else is varied.
  private static let window = HashMethod.Way.map(windowBytes: 1 << 20)
  private static let buffer = HashMethod.Way.read(bufferBytes: 64 << 10)

  /// Every window up to the whole of so many bytes, and every buffer.
  static func ways(bytes: Int64) -> [HashMethod] {
    var methods = windows.filter { $0 < bytes }.map {
      HashMethod(way: .map(windowBytes: $0))
    }
    methods.append(HashMethod(way: .map(windowBytes: nil)))
    for bufferBytes in buffers where Int64(bufferBytes) < bytes {
      methods.append(HashMethod(way: .read(bufferBytes: bufferBytes)))
    }
    return methods
  }

  /// Of a file that is in memory.
  static func hot(bytes: Int64, cores: Int) -> [HashMeasure] {
    let methods = ways(bytes: bytes)
    var measures = methods.map { HashMeasure(method: $0) }
    for var method in methods {
      guard case .map = method.way else { continue }
      for advice in [HashMethod.Advice.none, .populate] {
        method.advice = advice
        measures.append(HashMeasure(method: method))
      }
    }
    for way in [window, buffer] {
      measures.append(HashMeasure(method: HashMethod(way: way, dropsBehind: true)))
      for threads in threadCounts(cores).dropFirst() {
        measures.append(HashMeasure(method: HashMethod(way: way), threads: threads))
      }
    }
    return measures
  }

  /// Of a file that is on the medium alone.
  static func cold(bytes: Int64, cores: Int) -> [HashMeasure] {
    let methods = ways(bytes: bytes)
    var measures = methods.map { HashMeasure(method: $0, isCold: true) }
    for way in [window, buffer] {
      measures.append(
        HashMeasure(method: HashMethod(way: way, advice: .none), isCold: true))
      if cores > 1 {
        measures.append(
          HashMeasure(method: HashMethod(way: way), threads: cores, isCold: true))
      }
    }
    measures.append(
      HashMeasure(method: HashMethod(way: window, advice: .populate), isCold: true))
    return measures
  }

  /// Of files of one size, in memory: read, mapped, and as the program does it.
  static func sized(_ bytes: Int64, cores: Int) -> [HashMeasure] {
    let ways: [HashMethod.Way] = [buffer, window, .fileHash]
    var measures = ways.map {
      HashMeasure(method: HashMethod(way: $0), files: .many(bytes: bytes))
    }
    if cores > 1, bytes == 1 << 20 {
      measures.append(
        HashMeasure(
          method: HashMethod(way: .fileHash), files: .many(bytes: bytes), threads: cores))
    }
    return measures
  }

  /// 1, 2, 4 and so on, and all.
  static func threadCounts(_ cores: Int) -> [Int] {
    var counts: [Int] = []
    var count = 1
    while count < cores {
      counts.append(count)
      count *= 2
    }
    return counts + [cores]
  }
}

// SPDX-License-Identifier: Apache-2.0
import Codec
import Compression
import Linux
import OSTree
import Pull

/// Why the benchmarks ended without figures.
public enum BenchError: Error, Sendable {
  case file(path: String, Errno)
  /// What the caller named to work in is not there, or no directory.
  case notADirectory(String)
  /// Less is free than the smallest measures need.
  case noSpace(path: String, neededBytes: UInt64, freeBytes: UInt64)
  /// A signal asked for the end.
  case interrupted
  case ostree(OSTreeError)
  case compression(CompressionError)
  case pull(PullError)
  /// A part that runs in a process of its own failed, and has said why.
  case child(String)
  /// What should be a saved run is not JSON, or of another schema.
  case notJSON(path: String, JSONError)
  case notASavedRun(path: String)
}

/// Names the file that a system call failed on.
func at<R: ~Copyable>(
  _ path: String, _ body: () throws(Errno) -> R
) throws(BenchError) -> R {
  do throws(Errno) { return try body() } catch { throw .file(path: path, error) }
}

/// Passes an error of the repo on.
func inRepo<R: ~Copyable>(_ body: () throws(OSTreeError) -> R) throws(BenchError) -> R {
  do throws(OSTreeError) { return try body() } catch { throw .ostree(error) }
}

/// Passes an error of a stream on.
func inStream<R: ~Copyable>(
  _ body: () throws(CompressionError) -> R
) throws(BenchError) -> R {
  do throws(CompressionError) { return try body() } catch { throw .compression(error) }
}

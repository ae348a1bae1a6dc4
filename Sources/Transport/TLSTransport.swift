// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Linux

/// How libssl reaches our sockets: a BIO of our own, so that a broken connection is an error of
/// the call and not SIGPIPE, and nothing is buffered twice. BIO_meth_new(3).
@safe final class TLSTransport: @unchecked Sendable {
  // `@unchecked`: complete when `init` returns and only read afterwards.
  private let method: OpaquePointer

  init() {
    guard
      let method = unsafe BIO_meth_new(
        BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "coppice socket")
    else { die("libcrypto has no memory for a BIO method") }
    unsafe self.method = method
    unsafe BIO_meth_set_read(method) { unsafe TLSTransport.read($0, $1, $2) }
    unsafe BIO_meth_set_write(method) { unsafe TLSTransport.write($0, $1, $2) }
    unsafe BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
  }

  deinit { unsafe BIO_meth_free(method) }

  /// A BIO over `socket`, which must outlive it.
  @unsafe func makeBIO(_ socket: Socket) -> OpaquePointer {
    guard let bio = unsafe BIO_new(method) else { die("libcrypto has no memory for a BIO") }
    unsafe BIO_set_data(bio, Unmanaged.passUnretained(socket).toOpaque())
    unsafe BIO_set_init(bio, 1)
    return unsafe bio
  }

  private static let retryFlags = BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY

  @unsafe private static func socket(of bio: OpaquePointer?) -> Socket? {
    guard let context = unsafe BIO_get_data(bio) else { return nil }
    return unsafe Unmanaged<Socket>.fromOpaque(context).takeUnretainedValue()
  }

  @unsafe private static func read(
    _ bio: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ count: Int32
  ) -> Int32 {
    guard let socket = unsafe socket(of: bio), let buffer = unsafe buffer, count > 0 else {
      return 0
    }
    unsafe BIO_clear_flags(bio, retryFlags)
    do throws(Errno) {
      return Int32(try unsafe socket.receive(into: buffer, count: Int(count)))
    } catch {
      if error == .again { unsafe BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY) }
      return -1
    }
  }

  @unsafe private static func write(
    _ bio: OpaquePointer?, _ buffer: UnsafePointer<CChar>?, _ count: Int32
  ) -> Int32 {
    guard let socket = unsafe socket(of: bio), let buffer = unsafe buffer, count > 0 else {
      return 0
    }
    unsafe BIO_clear_flags(bio, retryFlags)
    do throws(Errno) {
      return Int32(try unsafe socket.send(buffer, count: Int(count)))
    } catch {
      if error == .again { unsafe BIO_set_flags(bio, BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY) }
      return -1
    }
  }
}

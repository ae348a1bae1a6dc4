// SPDX-License-Identifier: Apache-2.0
internal import CLinux

// Names are returned without the NUL that ends them on the wire. xattr(7).
extension FileDescriptor {
  /// The names of all extended attributes, as the file system lists them; none where it has no
  /// such thing. flistxattr(2).
  public borrowing func extendedAttributeNames() throws(Errno) -> [[UInt8]] {
    let raw = self.raw
    return unsafe try attributeNames { unsafe clinux_flistxattr(raw, $0, $1) }
  }

  /// As `extendedAttributeNames`, of `path` in this directory, which may be a symbolic link.
  public borrowing func extendedAttributeNames(of path: String) throws(Errno) -> [[UInt8]] {
    let place = "/proc/self/fd/\(raw)/\(path)"
    return unsafe try attributeNames { buffer, count in
      unsafe withPath(place) { unsafe clinux_llistxattr($0, buffer, count) }
    }
  }

  /// Nil if there is none of that name. fgetxattr(2).
  public borrowing func extendedAttribute(_ name: [UInt8]) throws(Errno) -> [UInt8]? {
    let raw = self.raw
    return unsafe try attributeValue(name) { unsafe clinux_fgetxattr(raw, $0, $1, $2) }
  }

  /// Of `path` in this directory, which may be a symbolic link. lgetxattr(2).
  public borrowing func extendedAttribute(
    _ name: [UInt8], of path: String
  ) throws(Errno) -> [UInt8]? {
    let place = "/proc/self/fd/\(raw)/\(path)"
    return unsafe try attributeValue(name) { key, buffer, count in
      unsafe withPath(place) { unsafe clinux_lgetxattr($0, key, buffer, count) }
    }
  }

  /// fsetxattr(2).
  public borrowing func setExtendedAttribute(_ name: [UInt8], _ value: [UInt8]) throws(Errno) {
    let raw = self.raw
    _ = try retrying {
      unsafe withName(name) { key in
        unsafe value.withUnsafeBytes {
          unsafe clinux_fsetxattr(raw, key, $0.baseAddress ?? UnsafeRawPointer(empty), $0.count)
        }
      }
    }
  }

  /// Of `path` in this directory, which may be a symbolic link. lsetxattr(2).
  public borrowing func setExtendedAttribute(
    _ name: [UInt8], _ value: [UInt8], of path: String
  ) throws(Errno) {
    let place = "/proc/self/fd/\(raw)/\(path)"
    _ = try retrying {
      unsafe withPath(place) { file in
        unsafe withName(name) { key in
          unsafe value.withUnsafeBytes {
            unsafe clinux_lsetxattr(file, key, $0.baseAddress ?? UnsafeRawPointer(empty), $0.count)
          }
        }
      }
    }
  }

  /// fremovexattr(2).
  public borrowing func removeExtendedAttribute(_ name: [UInt8]) throws(Errno) {
    let raw = self.raw
    _ = try retrying { unsafe withName(name) { unsafe clinux_fremovexattr(raw, $0) } }
  }
}

/// Lends a name as a C string.
private func withName<R>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> R) -> R {
  let terminated = name.map { CChar(bitPattern: $0) } + [0]
  return unsafe terminated.withUnsafeBufferPointer { unsafe body($0.baseAddress!) }
}

/// Asks for the length, then for the list, again if it grew in between.
private func attributeNames(
  _ call: (UnsafeMutablePointer<CChar>?, Int) -> Int64
) throws(Errno) -> [[UInt8]] {
  while true {
    let count: Int
    do throws(Errno) { count = Int(try retrying { call(nil, 0) }) } catch {
      if error == .notSupported { return [] }
      throw error
    }
    if count == 0 { return [] }
    var buffer = [CChar](repeating: 0, count: count)
    do throws(Errno) {
      let got = Int(
        try retrying {
          unsafe buffer.withUnsafeMutableBufferPointer { unsafe call($0.baseAddress, count) }
        })
      return buffer[..<got].split(separator: 0).map { $0.map { UInt8(bitPattern: $0) } }
    } catch { if error != .range { throw error } }
  }
}

private func attributeValue(
  _ name: [UInt8],
  _ call: (UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int64
) throws(Errno) -> [UInt8]? {
  while true {
    do throws(Errno) {
      let count = Int(try retrying { unsafe withName(name) { unsafe call($0, nil, 0) } })
      if count == 0 { return [] }
      var value = [UInt8](repeating: 0, count: count)
      let got = Int(
        try retrying {
          unsafe withName(name) { key in
            unsafe value.withUnsafeMutableBytes { unsafe call(key, $0.baseAddress, count) }
          }
        })
      value.removeLast(count - got)
      return value
    } catch {
      if error == .noData || error == .notSupported { return nil }
      if error != .range { throw error }
    }
  }
}

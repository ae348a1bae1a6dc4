// SPDX-License-Identifier: Apache-2.0
internal import CUBootEnv
import Linux

/// U-Boot's environment in memory, with the lock that `fw_setenv` takes too, until this value goes.
/// libubootenv 0.3, `libuboot.h`.
@safe struct UBootLibrary: ~Copyable {
  private let context: OpaquePointer
  /// `fw_env.config`, for errors.
  private let path: String

  /// Reads the valid copy of the environment; of two valid ones the newer.
  ///
  /// Throws `environmentDamaged` if no copy has a valid checksum, `environmentUnusable` if a device
  /// is not there or cannot hold an environment.
  static func open(_ path: String) throws(BootError) -> UBootLibrary {
    let library = try initialise(path)
    try library.load()
    return library
  }

  /// Writes an environment that holds these variables alone, over one with a wrong checksum.
  static func create(_ path: String, _ variables: [LoaderVariable]) throws(BootError) {
    let library = try initialise(path)
    do throws(BootError) { try library.load() } catch {
      guard error == .environmentDamaged(path: path) else { throw error }
    }
    for variable in variables { try library.set(variable) }
    try library.store()
  }

  private static func initialise(_ path: String) throws(BootError) -> UBootLibrary {
    var made: OpaquePointer?
    let result = unsafe libuboot_initialize(&made, nil)
    guard result == 0, let context = unsafe made else {
      throw .file(path: path, Errno(-result))
    }
    return unsafe UBootLibrary(context, path)
  }

  private init(_ context: OpaquePointer, _ path: String) {
    unsafe self.context = unsafe context
    self.path = path
  }

  deinit {
    unsafe libuboot_close(context)
    unsafe libuboot_exit(context)
  }

  private borrowing func load() throws(BootError) {
    if unsafe libuboot_read_config(context, path) != 0 { throw .environmentUnusable(path: path) }
    let result = unsafe libuboot_open(context)
    if result == -Errno.noData.rawValue { throw .environmentDamaged(path: path) }
    if result != 0 { throw .environmentUnusable(path: path) }
  }

  /// All variables, sorted by their names.
  borrowing func variables() -> [LoaderVariable] {
    var variables: [LoaderVariable] = []
    var entry = unsafe libuboot_iterator(context, nil)
    while let current = unsafe entry {
      if let name = unsafe libuboot_getname(current),
        let value = unsafe libuboot_getvalue(current)
      {
        variables.append(
          unsafe LoaderVariable(String(cString: name), String(cString: value)))
      }
      unsafe entry = unsafe libuboot_iterator(context, current)
    }
    return variables
  }

  /// In memory alone. Throws `environmentRefused` if U-Boot's `.flags` forbid it.
  borrowing func set(_ variable: LoaderVariable) throws(BootError) {
    if unsafe libuboot_set_env(context, variable.name, variable.value) != 0 {
      throw .environmentRefused(path: path, name: variable.name)
    }
  }

  /// Writes all of it: over the older of two copies, or over the only one.
  borrowing func store() throws(BootError) {
    let result = unsafe libuboot_env_store(context)
    if result == -Errno.outOfMemory.rawValue { throw .environmentFull(path: path) }
    if result != 0 { throw .environmentNotKept(path: path) }
  }
}

// SPDX-License-Identifier: Apache-2.0
public import Codec
public import Deploy
public import Linux

/// What can go wrong between the start of the initramfs and the start of the real init.
public enum InitramfsError: Error, Hashable, Sendable {
  /// A system call on this file failed.
  case file(path: String, Errno)
  case deploy(DeployError)
  /// A keyfile that is none.
  case keyfile(path: String, KeyfileError)

  /// The kernel command line names no root.
  case noRoot
  /// It names one that is not understood.
  case strangeRoot(String)
  /// No device answered to it in time; these are there.
  case rootNotFound(RootSpecification, waitedSeconds: UInt32, devices: [String])
  /// The device holds no file system that is known.
  case unknownFileSystem(device: String)
  case mountFailed(source: String, place: String, type: String, Errno)

  /// A list of modules names a file of a kind that cannot be loaded.
  case strangeModule(path: String)
  /// A compressed module that cannot be unpacked, or is too large.
  case damagedModule(path: String)
  /// The kernel does not load it.
  case moduleRefused(path: String, Errno)

  /// The kernel command line names no deployment.
  case noDeployment
  /// prepare-root.conf asks for what cannot be done.
  case unsupported(path: String, key: String, value: String)
  /// A value in prepare-root.conf that makes no sense.
  case configuration(path: String, key: String, value: String)
  /// None of these can be started.
  case noProgram([String], Errno)
}

/// Runs calls on the file `path` and gives their errors its name.
func at<Value: ~Copyable>(
  _ path: String, _ body: () throws(Errno) -> Value
) throws(InitramfsError) -> Value {
  do throws(Errno) { return try body() } catch { throw .file(path: path, error) }
}

/// Whether two names are the same bytes.
func same(_ first: String, _ second: String) -> Bool {
  first.utf8.elementsEqual(second.utf8)
}

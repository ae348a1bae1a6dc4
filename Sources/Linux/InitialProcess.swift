// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// What the first process of a machine does, in an initramfs.
public enum InitialProcess {
  /// Loads a kernel module from its file. finit_module(2); throws `.exists` if it is loaded.
  public static func loadModule(
    _ file: borrowing FileDescriptor, parameters: String
  ) throws(Errno) {
    let raw = file.raw
    _ = try retrying {
      unsafe withPath(parameters) { unsafe clinux_load_module_file(raw, $0) }
    }
  }

  /// Loads a kernel module from memory. init_module(2); throws `.exists` if it is loaded.
  public static func loadModule(_ image: Span<UInt8>, parameters: String) throws(Errno) {
    _ = try retrying {
      unsafe withPath(parameters) { text in
        unsafe image.withUnsafeBufferPointer {
          unsafe clinux_load_module_image(
            $0.baseAddress.map { unsafe UnsafeRawPointer($0) } ?? UnsafeRawPointer(empty),
            $0.count, text)
        }
      }
    }
  }

  /// chdir(2).
  public static func changeDirectory(_ path: String) throws(Errno) {
    _ = try retrying { unsafe withPath(path) { unsafe clinux_change_directory($0) } }
  }

  /// chroot(2).
  public static func changeRoot(_ path: String) throws(Errno) {
    _ = try retrying { unsafe withPath(path) { unsafe clinux_change_root($0) } }
  }

  /// What is read and written from here on, and by the programs that are started. dup2(2).
  public static func useAsStandard(_ file: borrowing FileDescriptor) throws(Errno) {
    let raw = file.raw
    _ = try retrying { clinux_use_as_standard(raw) }
  }

  /// Becomes the program `path`, with the arguments of this process behind the first `skipped`,
  /// and its environment. Comes back only with an error. execve(2).
  public static func execute(_ path: String, skipping skipped: Int) -> Errno {
    do throws(Errno) {
      _ = try retrying { unsafe withPath(path) { unsafe clinux_execute($0, Int32(skipped)) } }
      return .invalid
    } catch { return error }
  }

  /// Runs the program `path` on the terminal `console`, and waits until it ends.
  public static func run(_ path: String, onConsole console: String) throws(Errno) {
    _ = try retrying {
      unsafe withPath(path) { program in
        unsafe withPath(console) { unsafe clinux_run_on_console(program, $0) }
      }
    }
  }

  /// Writes out what is in memory, and restarts the machine at once. Comes back only with an error.
  /// reboot(2).
  public static func restart() -> Errno {
    do throws(Errno) {
      _ = try retrying { clinux_restart() }
      return .invalid
    } catch { return error }
  }
}

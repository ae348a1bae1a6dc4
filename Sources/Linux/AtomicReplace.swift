// SPDX-License-Identifier: Apache-2.0

extension FileDescriptor {
  /// Puts a small file with these contents at `name` in this directory, replacing what is there in
  /// one step: after a power cut it holds the old contents or the new. Durable when it returns.
  ///
  /// Written beside it under another name, synced, renamed, and the directory synced. `name` has
  /// no slash. What a cut leaves behind begins with a dot and is replaced by the next attempt.
  public borrowing func replaceFile(
    _ name: String, with contents: [UInt8], mode: UInt32 = 0o644
  ) throws(Errno) {
    let temporary = ".\(name).new"
    try unlinkIfPresent(temporary)
    do throws(Errno) {
      let file = try open(temporary, [.writeOnly, .create, .exclusive, .noFollow], mode: mode)
      try file.setMode(mode)
      try file.write(contents)
      try file.sync()
      try rename(temporary, to: name)
    } catch {
      _ = try? unlinkIfPresent(temporary)
      throw error
    }
    try sync()
  }
}

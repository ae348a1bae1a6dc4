// SPDX-License-Identifier: Apache-2.0
import Compression
import Linux

/// Loads the modules that the initramfs holds, for a kernel that has not all that it needs to reach
/// the root built in.
///
/// `/modules/list` names them in the order in which they are loaded, what one needs before it: a
/// line for each, its file below `/modules` and its parameters. Parameters on the kernel command
/// line (`MODULE.KEY=VALUE`) come behind those. Files are `.ko`, `.ko.gz` or `.ko.xz`.
struct KernelModules {
  struct Entry: Hashable {
    let file: String
    let parameters: String

    /// As the kernel names it: without its folder and endings, and with `_` for `-`.
    var module: String {
      let name = file.utf8.split(separator: UInt8(ascii: "/")).last ?? file.utf8[...]
      let stem = name.prefix { $0 != UInt8(ascii: ".") }
      return String(
        decoding: stem.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
    }
  }

  static let folder = "/modules"
  private static let list = "list"
  private static let listBytesMax = 1 << 20
  /// The largest modules of graphics drivers have 10 MiB.
  private static let moduleBytesMax = 64 << 20
  /// What an xz stream may want for its dictionary; the kernel's own are made with 1 MiB.
  private static let memoryBytesMax: UInt64 = 72 << 20

  private let path: String
  let entries: [Entry]

  /// Nil if there is no list.
  init?(_ path: String = KernelModules.folder) throws(InitramfsError) {
    let text: [UInt8]
    do throws(Errno) {
      let directory = try FileDescriptor.openDirectory(path)
      text = try directory.open(KernelModules.list).readAll(limit: KernelModules.listBytesMax)
    } catch {
      if error == .notFound { return nil }
      throw .file(path: "\(path)/\(KernelModules.list)", error)
    }
    self.path = path
    entries = KernelModules.parse(text)
  }

  /// Blank lines and those that begin with `#` say nothing.
  static func parse(_ text: [UInt8]) -> [Entry] {
    text.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == 13 }
        .map { String(decoding: $0, as: UTF8.self) }
      guard let file = words.first, file.utf8.first != UInt8(ascii: "#") else { return nil }
      return Entry(file: file, parameters: words.dropFirst().joined(separator: " "))
    }
  }

  /// Loads all of them. One that cannot be loaded may not be needed: `failed` hears of it.
  func load(_ commandLine: KernelCommandLine, failed: (InitramfsError) -> Void) {
    for entry in entries {
      let parameters = [entry.parameters] + commandLine.parameters(ofModule: entry.module)
      do throws(InitramfsError) {
        try load(
          "\(path)/\(entry.file)",
          parameters.filter { !$0.utf8.isEmpty }.joined(separator: " "))
      } catch { failed(error) }
    }
  }

  private func load(_ path: String, _ parameters: String) throws(InitramfsError) {
    let file = try at(path) { () throws(Errno) in try FileDescriptor.open(path) }
    guard let format = ModuleFormat(path) else { throw .strangeModule(path: path) }
    let image = try format.unpack(file, path)
    do throws(Errno) {
      if let image {
        try InitialProcess.loadModule(image.span, parameters: parameters)
      } else {
        try InitialProcess.loadModule(file, parameters: parameters)
      }
    } catch {
      if error != .exists { throw .moduleRefused(path: path, error) }
    }
  }

  /// How a module's file is packed. The kernel unpacks only where it was built to.
  enum ModuleFormat {
    case plain
    case packed(CompressedFile)

    init?(_ path: String) {
      if ModuleFormat.ends(path, ".ko") {
        self = .plain
      } else if ModuleFormat.ends(path, ".ko.gz") {
        self = .packed(.gzip)
      } else if ModuleFormat.ends(path, ".ko.xz") {
        self = .packed(.xz)
      } else {
        return nil
      }
    }

    /// Nil where the file is what the kernel takes.
    func unpack(
      _ file: borrowing FileDescriptor, _ path: String
    ) throws(InitramfsError) -> [UInt8]? {
      guard case .packed(let format) = self else { return nil }
      let bytes: [UInt8]
      do throws(Errno) { bytes = try file.readAll(limit: moduleBytesMax) } catch {
        throw .file(path: path, error)
      }
      do throws(CompressionError) {
        return try format.unpack(
          bytes, limit: moduleBytesMax, memoryBytesMax: memoryBytesMax)
      } catch { throw .damagedModule(path: path) }
    }

    private static func ends(_ path: String, _ ending: String) -> Bool {
      path.utf8.count > ending.utf8.count
        && path.utf8.suffix(ending.utf8.count).elementsEqual(ending.utf8)
    }
  }
}

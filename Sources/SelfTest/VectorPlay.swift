// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux
import Updater
import Uptane

/// One case of `UptaneVectors`, being played.
struct VectorPlay<Storage: MetadataStorage> {
  private let vectors: UptaneVectors
  private let node: JSONNode
  private let director: Storage
  private let image: Storage

  init(_ vectors: UptaneVectors, _ node: JSONNode, director: Storage, image: Storage) {
    self.vectors = vectors
    self.node = node
    self.director = director
    self.image = image
  }

  /// Puts the stored metadata where the case has them.
  func prepare() throws(UptaneVectors.Failure) {
    for (repository, storage) in [(Repository.director, director), (.image, image)] {
      for (role, bytes) in try stored(repository) {
        do throws(MetadataError) { try storage.save(role, bytes) } catch {
          throw .index("state of \(repository.name)")
        }
      }
    }
  }

  /// Runs the update and compares what came of it.
  func difference() throws(UptaneVectors.Failure) -> String? {
    guard let expected = node["expect"] else { throw .index("expect") }
    let outcome = VectorOutcome(try run())
    if let difference = outcome.difference(from: expected) { return difference }
    for (repository, storage) in [(Repository.director, director), (.image, image)] {
      if let difference = try difference(repository, storage, expected) { return difference }
    }
    return nil
  }

  private func run() throws(UptaneVectors.Failure) -> Result<UptaneVerdict, MetadataError> {
    let device = try vectors.device(node)
    let times = ["rtc", "floor"].compactMap {
      node["clock"]?[$0]?.string.flatMap { Timestamp.parse($0) }
    }
    guard let now = times.max() else { throw .index("clock") }
    func refresh(
      _ repository: Repository, _ storage: Storage
    ) -> MetadataRefresh<VectorServer, Storage> {
      MetadataRefresh(
        vectors.policy(repository, node), VectorServer(vectors.folder, node, repository), storage,
        now: now)
    }
    let both = UptaneRefresh(
      director: refresh(.director, director), image: refresh(.image, image))
    do throws(MetadataError) { return .success(try both.run(for: device)) } catch {
      return .failure(error)
    }
  }

  /// The files of `state/NAME/REPOSITORY`; delegated roles are in `delegations`.
  private func stored(
    _ repository: Repository
  ) throws(UptaneVectors.Failure) -> [(Role, [UInt8])] {
    guard let name = node["state"]?.string else { throw .index("state") }
    let folder = "\(vectors.folder)/state/\(name)/\(repository.name)"
    var files: [(Role, [UInt8])] = []
    for role in Role.topLevel where isPresent("\(folder)/\(role.name).json") {
      files.append((role, try UptaneVectors.read("\(folder)/\(role.name).json")))
    }
    let delegations = "\(folder)/delegations"
    do throws(Errno) {
      for entry in try FileDescriptor.openDirectory(delegations).sortedEntries() {
        let name = String(decoding: entry.name.utf8.dropLast(5), as: UTF8.self)
        let bytes = try FileDescriptor.open("\(delegations)/\(entry.name)").readAll(limit: 64 << 20)
        files.append((.delegated(name), bytes))
      }
    } catch { if error != .notFound { throw .file(path: delegations, error) } }
    return files
  }

  private func isPresent(_ path: String) -> Bool {
    (try? FileDescriptor.status(of: path)) != nil
  }

  /// What is listed must be persisted; what is not must be as it was, or gone.
  private func difference(
    _ repository: Repository, _ storage: Storage, _ expected: JSONNode
  ) throws(UptaneVectors.Failure) -> String? {
    let before = try stored(repository)
    for role in Role.topLevel {
      let name = "\(repository.name)/\(role.name)"
      let bytes = (try? storage.load(role)) ?? nil
      if let version = expected["trusted_versions_after"]?[name]?.integer {
        let found = bytes.flatMap { VectorOutcome.version($0) }
        if found != version { return "\(name) is \(text(found)), not \(version)" }
      } else if let bytes, !before.contains(where: { $0.0 == role && $0.1 == bytes }) {
        return "\(name) was stored"
      }
    }
    return nil
  }

  private func text(_ version: Int64?) -> String { version.map { "\($0)" } ?? "missing" }
}

/// Serves the files of a case: those of the base, without `absent`, under those of the overlay.
struct VectorServer: MetadataSource {
  private let folders: [String]
  private let absent: [String]
  private let repository: String

  init(_ folder: String, _ node: JSONNode, _ repository: Repository) {
    var folders: [String] = []
    if let overlay = node["overlay"]?.string { folders.append("\(folder)/\(overlay)") }
    if let base = node["base"]?.string { folders.append("\(folder)/base/\(base)") }
    self.folders = folders
    absent = node["absent"]?.elements.compactMap { $0.string } ?? []
    self.repository = repository.name
  }

  func fetch(_ request: MetadataRequest) throws(FetchFailure) -> [UInt8] {
    let path = "\(repository)/\(request.path)"
    for (index, folder) in folders.enumerated() {
      if index == folders.count - 1, absent.contains(path) { break }
      do throws(FetchFailure) {
        return try FolderMetadata("\(folder)/\(repository)").fetch(request)
      } catch {
        guard case .missing = error else { throw error }
      }
    }
    throw .missing(path: path)
  }
}

/// What came of a case, in the words of the index.
private struct VectorOutcome {
  private let verdict: String
  private var error: UptaneError?
  private var install: [VerifiedTarget] = []

  init(_ result: Result<UptaneVerdict, MetadataError>) {
    switch result {
    case .success(.noUpdate): verdict = "no-update"
    case .success(.update(let targets, correlationID: _)):
      verdict = "install"
      install = targets
    case .failure(let failure):
      verdict = "reject"
      error = failure.uptaneError
    }
  }

  /// Of a metadata file.
  static func version(_ bytes: [UInt8]) -> Int64? {
    do throws(JSONError) {
      return try JSONDocument(parsing: bytes).root["signed"]?["version"]?.integer
    } catch { return nil }
  }

  func difference(from expected: JSONNode) -> String? {
    var found: [(String, String)] = [("verdict", verdict)]
    if verdict == "reject" {
      found.append(("error", error?.fault.name ?? "none"))
      found.append(("repo", error?.repository.name ?? "none"))
      found.append(("role", error?.role.name ?? "none"))
    }
    for (name, value) in found {
      guard let wanted = expected[name] else { continue }
      if !wanted.equals(value) { return "\(name) is \(value), not \(wanted.string ?? "none")" }
    }
    guard let wanted = expected["install"] else { return nil }
    return wanted.count == install.count && install.allSatisfy { isListed($0, wanted) }
      ? nil : "other targets would be installed"
  }

  /// `{PATH: [SERIAL, …], …}`
  private func isListed(_ target: VerifiedTarget, _ wanted: JSONNode) -> Bool {
    guard let serials = wanted[target.path]?.elements.compactMap({ $0.string }) else {
      return false
    }
    return serials.count == target.ecus.count
      && target.ecus.allSatisfy { serials.contains($0.serial) }
  }
}

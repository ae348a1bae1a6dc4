// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
import Linux
import SelfTest
import Support
import Testing
import Updater
import Uptane

/// A cut between any two steps of saving metadata: what is stored is usable, and protects no less
/// than before.
@Suite struct SavingTests {
  /// Passes on so many changes; the power is gone before the next one.
  private final class Cut: MetadataStorage {
    let storage: MetadataStore
    private var left: Int
    private(set) var wasCut = false

    init(_ storage: MetadataStore, after changes: Int) {
      self.storage = storage
      left = changes
    }

    private func change(_ body: () throws(MetadataError) -> Void) throws(MetadataError) {
      if left == 0 {
        wasCut = true
        throw .store(path: "cut", .inputOutput)
      }
      left -= 1
      try body()
    }

    func load(_ role: Role) throws(MetadataError) -> [UInt8]? { try storage.load(role) }

    func save(_ role: Role, _ bytes: [UInt8]) throws(MetadataError) {
      try change { () throws(MetadataError) in try storage.save(role, bytes) }
    }

    func loadFreshnessKeys() throws(MetadataError) -> Checksum? {
      try storage.loadFreshnessKeys()
    }

    func saveFreshnessKeys(_ keys: Checksum) throws(MetadataError) {
      try change { () throws(MetadataError) in try storage.saveFreshnessKeys(keys) }
    }

    func removeFreshnessKeys() throws(MetadataError) {
      try change { () throws(MetadataError) in try storage.removeFreshnessKeys() }
    }

    func recover() throws(MetadataError) {
      try change { () throws(MetadataError) in try storage.recover() }
    }
  }

  private static func run<Storage: MetadataStorage>(
    _ repository: SimulatedRepository, _ storage: Storage
  ) -> MetadataError? {
    let refresh = MetadataRefresh(
      VerificationPolicy(.image), repository, storage, now: SimulatedRepository.now)
    do throws(MetadataError) {
      let targets = try refresh.run()
      _ = try refresh.find("found", in: targets)
    } catch { return error }
    return nil
  }

  private static func version(_ store: MetadataStore, _ role: Role) throws -> Int64 {
    guard let bytes = try store.load(role) else { return 0 }
    return try JSONDocument(parsing: bytes).root["signed"]?["version"]?.integer ?? -1
  }

  private static let roles = Role.topLevel + [.delegated("A")]

  /// A store that has followed `repository` so far.
  private func followed(
    _ repository: SimulatedRepository, _ folder: String
  ) throws -> MetadataStore {
    let store = MetadataStore(folder: folder)
    try store.trust(root: repository.firstRoot, VerificationPolicy(.image))
    #expect(Self.run(repository, store) == nil)
    return store
  }

  private func makeRepository() -> SimulatedRepository {
    let repository = SimulatedRepository()
    repository.delegate("targets", .init(name: "A"))
    repository.addTarget("found", "content", to: "A")
    repository.publish()
    return repository
  }

  @Test func `a cut anywhere leaves metadata that go on, and never go back`() throws {
    for changes in 0... {
      let folder = try TemporaryDirectory("saving")
      let repository = makeRepository()
      let store = try followed(repository, folder.file("store"))
      let old = repository.files
      let before = try Self.roles.map { try Self.version(store, $0) }
      repository.rotate { repository.signers["root"] = .init() }
      repository.targets["A"]!.version += 1
      repository.publishNext()
      let cut = Cut(store, after: changes)
      let error = Self.run(repository, cut)
      #expect((error == nil) == !cut.wasCut)
      for (index, role) in Self.roles.enumerated() {
        #expect(try Self.version(store, role) >= before[index], "\(role) after \(changes)")
      }
      // What was accepted is not taken back by whoever replays the old files.
      let timestamp = try Self.version(store, .timestamp)
      let new = repository.files
      repository.files.merge(old) { $1 }
      let replayed = Self.run(repository, store)?.uptaneError?.fault.name
      #expect(replayed == (timestamp > 1 ? "rollback" : nil), "after \(changes)")
      repository.files = new
      #expect(Self.run(repository, store) == nil, "after \(changes)")
      if !cut.wasCut { return #expect(changes > 4) }
    }
  }

  @Test func `a cut anywhere does not make a recovery forgotten`() throws {
    for changes in 0... {
      let folder = try TemporaryDirectory("recovery")
      let repository = makeRepository()
      repository.timestampVersion = 90_000
      repository.snapshotVersion = 80_000
      repository.targets["targets"]!.version = 70_000
      repository.publish()
      let store = try followed(repository, folder.file("store"))
      repository.rotate { repository.signers["timestamp"] = .init() }
      repository.timestampVersion = 1
      repository.snapshotVersion = 1
      repository.targets["targets"]!.version = 1
      repository.publish()
      let cut = Cut(store, after: changes)
      _ = Self.run(repository, cut)
      #expect(Self.run(repository, store) == nil, "after \(changes)")
      #expect(try store.loadFreshnessKeys() == nil)
      #expect(try Self.version(store, .timestamp) == 1)
      if !cut.wasCut { return #expect(changes > 5) }
    }
  }

  /// The removal itself, file by file.
  @Test func `a recovery that was cut in the middle is begun again`() throws {
    let names = ["A.json", "timestamp.json", "snapshot.json", "targets.json"]
    for removed in 0..<(1 << names.count) {
      let folder = try TemporaryDirectory("recovery")
      let repository = makeRepository()
      repository.timestampVersion = 90_000
      repository.publish()
      let store = try followed(repository, folder.file("store"))
      repository.rotate { repository.signers["timestamp"] = .init() }
      repository.timestampVersion = 1
      repository.publish()
      // The mark and the new root, and no more.
      let cut = Cut(store, after: 2)
      #expect(Self.run(repository, cut) != nil)
      #expect(try store.loadFreshnessKeys() != nil)
      #expect(try Self.version(store, .root) == 2)
      let directory = try FileDescriptor.openDirectory(store.folder)
      for (bit, name) in names.enumerated() where removed >> bit & 1 == 1 {
        try directory.unlinkIfPresent(name)
      }
      #expect(Self.run(repository, store) == nil)
      #expect(try Self.version(store, .timestamp) == 1)
    }
  }

  /// A mark without the root that it was made for means nothing.
  @Test func `old keys that still sign do not lose what they protect`() throws {
    let folder = try TemporaryDirectory("recovery")
    let repository = makeRepository()
    repository.timestampVersion = 5
    repository.publish()
    let store = try followed(repository, folder.file("store"))
    let old = repository.files
    repository.rotate { repository.signers["timestamp"] = .init() }
    let cut = Cut(store, after: 1)
    #expect(Self.run(repository, cut) != nil)
    #expect(try store.loadFreshnessKeys() != nil)
    #expect(try Self.version(store, .root) == 1)
    // The new root is withheld, and an old timestamp comes.
    repository.files = old
    repository.rootVersion = 1
    repository.signers["timestamp"] = nil
    #expect(Self.run(repository, store) == nil)
    #expect(try store.loadFreshnessKeys() == nil)
    #expect(try Self.version(store, .timestamp) == 5)
  }

  @Test func `a file that begins with what a cut left is as good as any`() throws {
    let folder = try TemporaryDirectory("saving")
    let repository = makeRepository()
    let store = try followed(repository, folder.file("store"))
    for name in [".timestamp.json.new", ".root.json.new"] {
      try folder.write("half of", to: "store/\(name)")
    }
    repository.publishNext()
    #expect(Self.run(repository, store) == nil)
    #expect(try Self.version(store, .timestamp) == 2)
  }

  @Test func `so many delegated roles are kept, and no more`() throws {
    let folder = try TemporaryDirectory("saving")
    let repository = makeRepository()
    let store = try followed(repository, folder.file("store"))
    for number in 0..<MetadataStore.delegatedRolesMax + 10 {
      try store.save(.delegated("role \(number)"), [1])
    }
    let files = try FileDescriptor.openDirectory(store.folder).entries().count
    #expect(files == MetadataStore.delegatedRolesMax + Role.topLevel.count)
    try store.save(.delegated("A"), [2])
    #expect(try store.load(.delegated("A")) == [2])
  }

  @Test func `a first root is trusted once`() throws {
    let folder = try TemporaryDirectory("trust")
    let repository = makeRepository()
    let store = MetadataStore(folder: folder.file("new/store"))
    let policy = VerificationPolicy(.image)
    try store.trust(root: repository.firstRoot, policy)
    try store.trust(root: repository.firstRoot, policy)
    #expect(throws: MetadataError.otherRoot(path: "\(store.folder)/root.json")) {
      try store.trust(root: SimulatedRepository().firstRoot, policy)
    }
    let unsigned = repository.sign([("_type", .string("root"))], [])
    let elsewhere = MetadataStore(folder: folder.file("elsewhere"))
    #expect(throws: MetadataError.self) { try elsewhere.trust(root: unsigned, policy) }
    #expect(try elsewhere.load(.root) == nil)
  }
}

// SPDX-License-Identifier: Apache-2.0

/// Which of Uptane's two repositories. Uptane Standard 2.1.0, 5.1.
public enum Repository: Hashable, Sendable {
  /// Says which images exist, for every device the same. A plain TUF repository is one of these.
  case image
  /// Says what this device shall run.
  case director

  public var name: String {
    switch self {
    case .image: "image"
    case .director: "director"
    }
  }
}

/// Who signs a metadata file. TUF specification, 2.1.
public enum Role: Hashable, Sendable {
  case root, timestamp, snapshot, targets
  /// A targets role that another targets role delegates to.
  case delegated(String)

  public var name: String {
    switch self {
    case .root: "root"
    case .timestamp: "timestamp"
    case .snapshot: "snapshot"
    case .targets: "targets"
    case .delegated(let name): name
    }
  }

  /// The role of a member of a snapshot's `meta`, `NAME.json`; nil for what ends otherwise.
  init?(listedAs file: String) {
    let suffix = ".json"
    guard file.utf8.count > suffix.utf8.count,
      file.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    else { return nil }
    let name = String(decoding: file.utf8.dropLast(suffix.utf8.count), as: UTF8.self)
    self = Role.topLevel.first { same($0.name, name) } ?? .delegated(name)
  }

  public static let topLevel: [Role] = [.root, .timestamp, .snapshot, .targets]
}

/// Where a metadata file belongs: what its errors are told with.
struct Place: Hashable, Sendable {
  let repository: Repository
  let role: Role

  func error(_ fault: UptaneError.Fault) -> UptaneError {
    UptaneError(fault, repository, role)
  }

  func malformed(_ what: Malformation) -> UptaneError { error(.malformed(what)) }
}

/// Whether two names are the same bytes. Nothing is normalised: `é` of one and of two code points
/// are two names.
func same(_ first: String, _ second: String) -> Bool { first.utf8.elementsEqual(second.utf8) }

/// `text` with the letters of ASCII in lower case.
func lowered(_ text: String) -> String {
  String(
    decoding: text.utf8.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 },
    as: UTF8.self)
}

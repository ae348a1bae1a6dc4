// SPDX-License-Identifier: Apache-2.0
import Codec

/// A metadata file whose common part has the right shape. Its signatures are not checked yet, and
/// nothing it says is to be believed before that. TUF specification, 4.2.1 and 4.3.
/// ```
/// {"signatures": [{"keyid", "sig", "method"?}, …],
///  "signed": {"_type", "version", "expires", "spec_version"?, …}}
/// ```
/// Parsed once: signatures are checked over, and members are read from, this one document.
struct Envelope: Sendable {
  let place: Place
  let dialect: Dialect
  let signed: JSONNode
  let signatures: JSONNode
  let version: Int64
  /// Seconds since 1970.
  let expires: Int64

  var document: JSONDocument { signed.document }

  /// Throws `oversized`, `malformed`, `wrongType`.
  init(
    parsing bytes: [UInt8], _ kind: MetadataKind, _ place: Place, limitBytes: UInt64
  ) throws(UptaneError) {
    guard UInt64(bytes.count) <= limitBytes else {
      throw place.error(.oversized(limitBytes: limitBytes))
    }
    let document: JSONDocument
    do throws(JSONError) { document = try JSONDocument(parsing: bytes) } catch {
      throw place.malformed(.json(error))
    }
    guard let signed = document.root["signed"], signed.kind == .object else {
      throw place.malformed(.member("signed"))
    }
    guard let signatures = document.root["signatures"], signatures.kind == .array else {
      throw place.malformed(.member("signatures"))
    }
    guard let type = signed["_type"]?.string else { throw place.malformed(.member("_type")) }
    let dialect = Dialect(of: signed)
    guard dialect.isType(type, kind) else { throw place.error(.wrongType(found: type)) }
    if let specification = signed["spec_version"] {
      try Envelope.check(specification: specification, place)
    }
    guard let version = signed["version"]?.integer, 1..<FixedLimits.version ~= version else {
      throw place.malformed(.member("version"))
    }
    guard let expires = signed["expires"]?.string.flatMap(Envelope.time) else {
      throw place.malformed(.member("expires"))
    }
    self.place = place
    self.dialect = dialect
    self.signed = signed
    self.signatures = signatures
    self.version = version
    self.expires = expires
  }

  /// `1.x.y`: another major version may mean something else by the same words.
  private static func check(
    specification: JSONNode, _ place: Place
  ) throws(UptaneError) {
    guard let text = specification.string else { throw place.malformed(.member("spec_version")) }
    let major = text.utf8.prefix { $0 != UInt8(ascii: ".") }
    guard major.elementsEqual("1".utf8) else { throw place.malformed(.specificationVersion(text)) }
  }

  /// `YYYY-MM-DDThh:mm:ssZ` and nothing else that RFC 3339 allows: no fraction, no offset, no leap
  /// second.
  static func time(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count == 20, bytes[10] == UInt8(ascii: "T"), bytes[19] == UInt8(ascii: "Z"),
      bytes[17] < UInt8(ascii: "6")
    else { return nil }
    return Timestamp.parse(text)
  }

  /// What expires now has expired. TUF specification, 5.3.10, 5.4.4, 5.5.6, 5.6.5.
  func checkNotExpired(at now: Int64) throws(UptaneError) {
    if expires <= now { throw place.error(.expired(expires: expires, now: now)) }
  }
}

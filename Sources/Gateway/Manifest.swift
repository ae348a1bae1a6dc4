// SPDX-License-Identifier: Apache-2.0
import Codec
import Cryptography
public import Uptane

extension InstalledImage {
  /// A commit, 64 hexadecimal digits, that no target is known to name.
  public static func unknown(commit: String) -> InstalledImage {
    InstalledImage(path: "unknown", hashes: Hashes(sha256: commit), length: 0)
  }

  /// Of an ECU that runs nothing yet: an empty file, by the name that other clients use for it.
  public static var nothing: InstalledImage {
    let empty: [UInt8] = []
    return InstalledImage(
      path: "noimage", hashes: Hashes(sha256: SHA256.hash(empty).hex), length: 0)
  }
}

/// What one ECU says of itself.
public struct ECUStatement: Sendable {
  public var image: InstalledImage
  /// The name of the check by which an attack was seen; empty: none.
  public var attack = ""
  /// Seconds since 1970, of this statement and of the one before.
  public var time: Int64
  public var previousTime: Int64
  /// One more with every manifest: a director refuses what is older than what it has.
  public var counter: Int64

  /// Signed by the ECU, to be put into the manifest of the primary.
  func signed(_ serial: String, by key: ECUKey) -> JSONValue {
    key.envelope(
      .object([
        ("attacks_detected", .string(attack)), ("ecu_serial", .string(serial)),
        (
          "installed_image",
          .object([
            ("filepath", .string(image.path)),
            (
              "fileinfo",
              .object([
                ("length", .unsigned(image.length)),
                ("hashes", .object([("sha256", .string(image.hashes.sha256 ?? ""))])),
              ])
            ),
          ])
        ),
        ("previous_timeserver_time", .string(Timestamp.text(seconds: previousTime))),
        ("report_counter", .string(String(counter))),
        ("timeserver_time", .string(Timestamp.text(seconds: time))),
      ]))
  }
}

/// What the device tells the director that it runs, signed by its primary ECU: the vehicle version
/// manifest. Uptane Standard 2.1.0, 5.4.2.1.1.
enum Manifest {
  /// `statements`: serial and signed statement of every ECU, the primary's own among them.
  static func make(
    primary: String, _ statements: [(String, JSONValue)], _ report: InstallationReport?,
    by key: ECUKey
  ) -> JSONValue {
    var signed: [(String, JSONValue)] = [
      ("primary_ecu_serial", .string(primary)), ("ecu_version_manifests", .object(statements)),
    ]
    if let report { signed.append(("installation_report", report.json)) }
    return key.envelope(.object(signed))
  }
}

// SPDX-License-Identifier: Apache-2.0
public import Linux
public import Transport

/// Why a call to the gateway, or what goes before it, did not come to its end. What was stored
/// until then stands, and the next run goes on from there.
public enum GatewayError: Error, Hashable, Sendable {
  case transport(TransportError)
  case file(path: String, Errno)
  /// Somebody else is at it.
  case busy(path: String)
  /// A file of ours holds what we did not write, or what a newer coppice wrote.
  case damaged(path: String)

  /// The configuration does not say how the device gets an identity.
  case noProvisioning
  /// Neither the configuration nor the credentials name the server.
  case noServer
  /// The configuration must name this for the kind of provisioning that it asks for.
  case missing(Requirement)
  /// A file of credentials that the configuration or the call names is not there.
  case noCredentials(path: String, Errno)
  case archive(path: String, ArchiveFailure)
  case identity(path: String, CredentialFailure)
  /// A serial, hardware id or device id that is no such thing.
  case badName(NameKind, String)

  /// The device has no identity yet.
  case notProvisioned(path: String)
  /// A device of this id is registered already.
  case deviceTaken(url: String, id: String)
  /// Any other answer that is neither success nor about the transfer itself.
  case refused(url: String, status: Int, Refusal)

  /// What provisioning cannot do without.
  public enum Requirement: Hashable, Sendable { case credentials, certificate, privateKey }

  public enum NameKind: Hashable, Sendable { case deviceID, serial, hardwareID }
}

/// What is wrong with an archive of credentials.
public enum ArchiveFailure: Hashable, Sendable {
  /// Not a zip file, or a damaged one.
  case malformed
  case missingMember(String)
  case badMember(String)
}

/// What is wrong with a key, a certificate or both.
public enum CredentialFailure: Hashable, Sendable {
  /// Not what it should be: no PKCS#12, no PEM.
  case malformed
  /// It wants a passphrase, and not the empty one.
  case locked
  /// The key does not belong to the certificate.
  case mismatch
  /// The certificate is for another device.
  case wrongName(found: String?, expected: String)
  /// The certificate tells no name.
  case noName
}

/// Why a server said no, in its own words as far as it has some.
public struct Refusal: Hashable, Sendable {
  /// For example `ecu_replacement_disabled`.
  public let code: String?
  public let description: String?
}

// The only places where an error changes its type.

@inline(__always)
func inTransport<R: ~Copyable>(_ body: () throws(TransportError) -> R) throws(GatewayError) -> R {
  do throws(TransportError) { return try body() } catch { throw .transport(error) }
}

@inline(__always)
func at<R: ~Copyable>(
  _ path: String, _ body: () throws(Errno) -> R
) throws(GatewayError) -> R {
  do throws(Errno) { return try body() } catch { throw .file(path: path, error) }
}

/// Whether two names are the same bytes.
func same(_ first: String, _ second: String) -> Bool { first.utf8.elementsEqual(second.utf8) }

// SPDX-License-Identifier: Apache-2.0
import Boot
public import Configuration
public import Cryptography
public import Deploy
public import Gateway
public import Linux
public import OSTree
public import Pull
public import Transport

/// Why an update did not come to its end. The board boots what it booted before, and what was
/// fetched is kept.
public enum UpdaterError: Error, Hashable, Sendable {
  case ostree(OSTreeError)
  case pull(PullError)
  case deploy(DeployError)
  case transport(TransportError)
  case gateway(GatewayError)
  case file(path: String, Errno)

  /// Neither the configuration nor the origin of the deployment at hand says what to follow.
  case notConfigured(missing: [Setting])
  /// The origin of the deployment at hand asks for something to be set up first, in its own words.
  case unconfigured(deployment: String, text: String)
  /// What the configuration names is no ref.
  case invalidRef(String)
  case metadata(MetadataError)
  /// Another run works on the metadata.
  case busy(path: String)
  /// The server offers a commit that is older than the one that is deployed.
  case older(Checksum, timestamp: UInt64, deployed: Checksum, deployedTimestamp: UInt64)

  /// The content of a target is not to be had, or is not what the metadata says.
  case target(String, TargetFault)
  /// No executable takes care of such targets.
  case noHandler(target: String, format: String, hardwareID: String)
  case handler(HandlerFailure)
  /// A record that cannot be read, or that a newer coppice wrote in another form.
  case strangeRecord(path: String)
  /// The file system behind `path` does not have the room for a target.
  case noSpace(path: String, neededBytes: UInt64, freeBytes: UInt64)
}

/// What is wrong with what a server has for a target.
public enum TargetFault: Hashable, Sendable {
  case missing(url: String)
  case tooLong(url: String, expectedBytes: UInt64)
  /// A complete body of another length.
  case length(url: String, foundBytes: UInt64, expectedBytes: UInt64)
  case hash(url: String, found: String, expected: String)
  /// The metadata give no hash of an algorithm that is known here, or one that no content has.
  case unknownHash
  /// What the metadata says of it is more than can be kept, or is no text.
  case unfit
  /// `docker_compose_apps` is not what it must be.
  case apps
}

// The only places where an error changes its type.

@inline(__always)
func inRepo<R: ~Copyable>(_ body: () throws(OSTreeError) -> R) throws(UpdaterError) -> R {
  do throws(OSTreeError) { return try body() } catch { throw .ostree(error) }
}

@inline(__always)
func inPull<R: ~Copyable>(_ body: () throws(PullError) -> R) throws(UpdaterError) -> R {
  do throws(PullError) { return try body() } catch { throw .pull(error) }
}

@inline(__always)
func inDeploy<R: ~Copyable>(_ body: () throws(DeployError) -> R) throws(UpdaterError) -> R {
  do throws(DeployError) { return try body() } catch { throw .deploy(error) }
}

@inline(__always)
func inGateway<R: ~Copyable>(_ body: () throws(GatewayError) -> R) throws(UpdaterError) -> R {
  do throws(GatewayError) { return try body() } catch { throw .gateway(error) }
}

@inline(__always)
func inMetadata<R: ~Copyable>(_ body: () throws(MetadataError) -> R) throws(UpdaterError) -> R {
  do throws(MetadataError) { return try body() } catch { throw .metadata(error) }
}

@inline(__always)
func inBoot<R: ~Copyable>(_ body: () throws(BootError) -> R) throws(UpdaterError) -> R {
  do throws(BootError) { return try body() } catch { throw .deploy(.boot(error)) }
}

@inline(__always)
func at<R: ~Copyable>(
  _ path: String, _ body: () throws(Errno) -> R
) throws(UpdaterError) -> R {
  do throws(Errno) { return try body() } catch { throw .file(path: path, error) }
}

/// Whether two names are the same bytes.
func same(_ first: String, _ second: String) -> Bool { first.utf8.elementsEqual(second.utf8) }

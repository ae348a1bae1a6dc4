// SPDX-License-Identifier: Apache-2.0
import Codec
import Linux

/// Where a deployment came from and what was decided about it: `COMMIT.SERIAL.origin`.
///
/// ```
/// [origin]
/// refspec=acme:poky/stable
///
/// [libostree-transient]
/// pinned=true
/// ```
/// Keys of others are kept. What is transient does not go over to the next deployment.
public struct Origin: Sendable {
  private static let group = "origin"
  private static let transientGroup = "libostree-transient"
  /// Far above any honest origin.
  static let bytesMax = 64 << 10

  private var keyfile: Keyfile

  /// Of a deployment that comes from `refspec`: `REMOTE:REF`, a local ref or a checksum.
  public init(refspec: String) {
    keyfile = Keyfile()
    keyfile.set(Origin.group, "refspec", to: refspec)
  }

  /// Reads an origin file; `path` is for errors.
  public init(parsing text: [UInt8], path: String) throws(DeployError) {
    do throws(KeyfileError) { keyfile = try Keyfile(parsing: text) } catch {
      throw .keyfile(path: path, error)
    }
  }

  public var refspec: String? { keyfile.string(Origin.group, "refspec") }

  /// A text for people who run `ostree admin upgrade`: what to set up first.
  public var unconfiguredState: String? { keyfile.string(Origin.group, "unconfigured-state") }

  /// `hotfix` where /usr was made writable for good.
  public var unlocked: String? { keyfile.string(Origin.group, "unlocked") }

  /// Whether no new deployment pushes this one out.
  public var isPinned: Bool {
    get {
      let value = try? keyfile.boolean(Origin.transientGroup, "pinned")
      return (value ?? nil) ?? false
    }
    set {
      if newValue {
        keyfile.set(Origin.transientGroup, "pinned", to: "true")
      } else {
        keyfile.remove(Origin.transientGroup, "pinned")
        if keyfile.keys(in: Origin.transientGroup).isEmpty {
          keyfile.remove(group: Origin.transientGroup)
        }
      }
    }
  }

  /// What the next deployment from the same source begins with.
  public var forNextDeployment: Origin {
    var next = self
    next.keyfile.remove(group: Origin.transientGroup)
    next.keyfile.remove(Origin.group, "unlocked")
    return next
  }

  /// The same with another source.
  public func with(refspec: String) -> Origin {
    var next = self
    next.keyfile.set(Origin.group, "refspec", to: refspec)
    return next
  }

  func serialized() -> [UInt8] { keyfile.serialized() }
}

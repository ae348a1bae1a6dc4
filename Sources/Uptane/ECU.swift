// SPDX-License-Identifier: Apache-2.0

/// Anything that can be updated. Serial and hardware id are compared byte for byte. Uptane Standard
/// 2.1.0, 3.1.
public struct ECU: Equatable, Sendable {
  public let serial: String
  public let hardwareID: String

  public init(serial: String, hardwareID: String) {
    self.serial = serial
    self.hardwareID = hardwareID
  }

  public static func == (one: ECU, other: ECU) -> Bool {
    same(one.serial, other.serial) && same(one.hardwareID, other.hardwareID)
  }
}

/// What an ECU runs.
public struct InstalledImage: Sendable {
  public let path: String
  public let hashes: Hashes
  public let length: UInt64
  /// No image with a lower one is installed.
  public let releaseCounter: Int64

  public init(path: String, hashes: Hashes, length: UInt64, releaseCounter: Int64 = 0) {
    self.path = path
    self.hashes = hashes
    self.length = length
    self.releaseCounter = releaseCounter
  }
}

/// The device that is updated: its ECUs and what they run.
public struct Inventory: Sendable {
  /// The ECU that coppice runs on.
  public let primary: ECU
  public let secondaries: [ECU]
  /// Whether images of the primary are commits of OSTree.
  public let primaryIsOSTree: Bool
  private let installed: [(serial: String, image: InstalledImage)]

  public init(
    primary: ECU, secondaries: [ECU] = [], primaryIsOSTree: Bool = true,
    installed: [(serial: String, image: InstalledImage)] = []
  ) {
    self.primary = primary
    self.secondaries = secondaries
    self.primaryIsOSTree = primaryIsOSTree
    self.installed = installed
  }

  func ecu(_ serial: String) -> ECU? {
    if same(primary.serial, serial) { return primary }
    return secondaries.first { same($0.serial, serial) }
  }

  func image(of ecu: ECU) -> InstalledImage? {
    installed.first { same($0.serial, ecu.serial) }?.image
  }
}

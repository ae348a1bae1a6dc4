// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Tests that take minutes or gigabytes run with `COPPICE_SLOW=1 swift test --filter NAME`.
public enum Slow {
  public static let isWanted = ProcessInfo.processInfo.environment["COPPICE_SLOW"] == "1"
}

// SPDX-License-Identifier: Apache-2.0

/// Names of arm's cores: 64-bit kernels give numbers. Linux: arch/arm64/include/asm/cputype.h.
enum ArmCore {
  private static let arm = "0x41"

  private static let parts: [(part: String, name: String)] = [
    ("0xc05", "Cortex-A5"), ("0xc07", "Cortex-A7"), ("0xc08", "Cortex-A8"),
    ("0xc09", "Cortex-A9"), ("0xc0e", "Cortex-A17"), ("0xc0f", "Cortex-A15"),
    ("0xd01", "Cortex-A32"), ("0xd03", "Cortex-A53"), ("0xd04", "Cortex-A35"),
    ("0xd05", "Cortex-A55"), ("0xd07", "Cortex-A57"), ("0xd08", "Cortex-A72"),
    ("0xd09", "Cortex-A73"), ("0xd0a", "Cortex-A75"), ("0xd0b", "Cortex-A76"),
    ("0xd0c", "Neoverse-N1"), ("0xd40", "Neoverse-V1"), ("0xd41", "Cortex-A78"),
    ("0xd49", "Neoverse-N2"),
  ]

  /// Nil for what is not in the table.
  static func name(implementer: String, part: String) -> String? {
    guard implementer == arm else { return nil }
    return parts.first { $0.part == part }?.name
  }
}

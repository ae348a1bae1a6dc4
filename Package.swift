// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// What every Swift target is compiled with, in ordinary and in Embedded Swift alike.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

func module(
  _ name: String, _ dependencies: [Target.Dependency] = [], libraries: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, swiftSettings: strict,
    linkerSettings: libraries.map { .linkedLibrary($0) })
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["Support"], path: "Tests/\(name)",
    swiftSettings: strict)
}

let package = Package(
  name: "coppice",
  products: [.executable(name: "coppice", targets: ["coppice"])],
  targets: [
    // The libraries' own headers, and the one door to libc.
    .target(name: "CLinux"),
    .systemLibrary(name: "COpenSSL"),
    .systemLibrary(name: "CNghttp2"),
    .systemLibrary(name: "CZlib"),
    .systemLibrary(name: "CUBootEnv"),

    // Bytes, kernel, libraries.
    module("Linux", ["CLinux"]),
    module("Codec"),
    module("Cryptography", ["COpenSSL", "Linux", "Codec"], libraries: ["crypto"]),
    module("Compression", ["CZlib", "Linux", "Codec"], libraries: ["z"]),
    module("Configuration", ["Linux", "Codec"]),

    // Network, objects, boot loader.
    module(
      "Transport", ["CNghttp2", "COpenSSL", "Linux", "Codec"],
      libraries: ["nghttp2", "ssl", "crypto"]),
    module("OSTree", ["Cryptography", "Compression", "Linux", "Codec"]),
    module("Boot", ["CUBootEnv", "Linux", "Codec"], libraries: ["ubootenv", "z"]),

    // Trust: bytes and a time in, a verdict out.
    module("Uptane", ["Cryptography", "Codec"]),

    // Move, place, and the order of events.
    module("Pull", ["Transport", "OSTree", "Cryptography", "Compression", "Linux", "Codec"]),
    module("Deploy", ["OSTree", "Boot", "Cryptography", "Linux", "Codec"]),
    module("Gateway", ["Transport", "Uptane", "Cryptography", "Compression", "Linux", "Codec"]),
    module(
      "Updater",
      [
        "Gateway", "Uptane", "Pull", "Deploy", "Configuration", "OSTree", "Boot", "Transport",
        "Cryptography", "Linux", "Codec",
      ]),
    module(
      "Initramfs",
      [
        "Deploy", "Configuration", "OSTree", "Boot", "Compression", "Cryptography", "Linux",
        "Codec",
      ]),
    module(
      "SelfTest",
      [
        "Updater", "Initramfs", "Uptane", "Pull", "Deploy", "Configuration", "OSTree", "Boot",
        "Transport", "Compression", "Cryptography", "Linux", "Codec",
      ]),
    module(
      "Bench",
      ["Pull", "OSTree", "Transport", "Compression", "Cryptography", "Linux", "Codec"]),

    .executableTarget(
      name: "coppice",
      dependencies: [
        "SelfTest", "Bench", "Updater", "Initramfs", "Gateway", "Uptane", "Pull", "Deploy",
        "Configuration", "OSTree", "Boot", "Transport", "Compression", "Cryptography", "Linux",
        "Codec",
      ],
      swiftSettings: strict),

    .target(name: "Support", path: "Tests/Support", swiftSettings: strict),
    tests("LinuxTests", ["Linux"]),
    tests("CodecTests", ["Codec"]),
    tests("CryptographyTests", ["Cryptography", "Codec"]),
    tests("CompressionTests", ["Compression", "Linux"]),
    tests("ConfigurationTests", ["Configuration", "Linux", "Codec"]),
    tests("OSTreeTests", ["OSTree", "Compression", "Cryptography", "Linux", "Codec"]),
    tests("UptaneTests", ["Uptane", "SelfTest", "Updater", "Cryptography", "Linux", "Codec"]),
    tests("TransportTests", ["Transport", "Linux"]),
    tests("BootTests", ["Boot", "Linux"]),
    tests("PullTests", ["Pull", "Transport", "OSTree", "Cryptography", "Linux", "Codec"]),
    tests(
      "GatewayTests",
      ["Gateway", "Uptane", "Transport", "Compression", "Cryptography", "Linux", "Codec"]),
    tests("DeployTests", ["Deploy", "Boot", "OSTree", "Cryptography", "Linux", "Codec"]),
    tests(
      "UpdaterTests",
      [
        "Updater", "Uptane", "Pull", "Deploy", "Configuration", "OSTree", "Boot", "Transport",
        "Cryptography", "Linux", "Codec",
      ]),
    tests(
      "InitramfsTests",
      ["Initramfs", "Deploy", "Boot", "OSTree", "Compression", "Cryptography", "Linux", "Codec"]),
    tests("SelfTestTests", ["SelfTest"]),
    tests("BenchTests", ["Bench", "OSTree", "Cryptography", "Linux", "Codec"]),
    .testTarget(
      name: "CLITests", dependencies: ["Support", "coppice"], path: "Tests/CLITests",
      swiftSettings: strict),
    tests("PeerTests", []),
    tests("SupportTests", []),
    tests("TidyTests", []),
  ]
)

// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// A package of its own, so that nothing of it gets into other builds. It takes the modules that
// read foreign bytes as they stand in `Sources`, by the link `Modules`, and compiles them with
// libFuzzer's instrumentation. `run` says how.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

func module(
  _ name: String, _ dependencies: [Target.Dependency] = [], libraries: [String] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Modules/\(name)", swiftSettings: settings,
    linkerSettings: libraries.map { .linkedLibrary($0) })
}

let package = Package(
  name: "coppice-fuzz",
  targets: [
    .target(name: "CLinux", path: "Modules/CLinux"),
    .systemLibrary(name: "COpenSSL", path: "Modules/COpenSSL"),
    .systemLibrary(name: "CNghttp2", path: "Modules/CNghttp2"),
    .systemLibrary(name: "CZlib", path: "Modules/CZlib"),
    module("Linux", ["CLinux"]),
    module("Codec"),
    module("Cryptography", ["COpenSSL", "Linux", "Codec"], libraries: ["crypto"]),
    module("Compression", ["CZlib", "Linux", "Codec"], libraries: ["z"]),
    module(
      "Transport", ["CNghttp2", "COpenSSL", "Linux", "Codec"],
      libraries: ["nghttp2", "ssl", "crypto"]),
    module("Uptane", ["Cryptography", "Codec"]),
    module(
      "Gateway", ["Transport", "Uptane", "Compression", "Cryptography", "Linux", "Codec"]),
    module("OSTree", ["Cryptography", "Compression", "Linux", "Codec"]),
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "Codec", "Cryptography", "Compression", "Transport", "OSTree", "Uptane", "Gateway", "Linux",
      ],
      swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]),
  ]
)

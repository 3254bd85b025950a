// swift-tools-version: 6.2
// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
//
// The policy languages under libFuzzer: `scripts/fuzz`. A package of its own, since everything in it is built with counters at
// every branch. Its sources are those of the product, by symbolic links.
import PackageDescription

let counted: [SwiftSetting] = [.swiftLanguageMode(.v6), .unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"])]
let linked: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer"])]

func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: counted, linkerSettings: linked)
}

let package = Package(
    name: "fuzz",
    dependencies: [.package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")],
    targets: [
        .systemLibrary(name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CSimdjson", cxxSettings: [.unsafeFlags(["-O2"])], linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "Documents", dependencies: ["CLibYAML", "CSimdjson"], swiftSettings: counted),
        .target(name: "CRE2", cxxSettings: [.unsafeFlags(["-O2"])], linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "RegularExpressions", dependencies: ["CRE2"], swiftSettings: counted),
        .target(
            name: "Rego",
            dependencies: [
                "Documents", "RegularExpressions", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ], swiftSettings: counted),
        .target(name: "CEL", dependencies: ["Documents", "RegularExpressions"], swiftSettings: counted),
        fuzzer("fuzz-rego", ["Rego", "Documents"]),
        fuzzer("fuzz-cel", ["CEL", "Documents"]),
    ])

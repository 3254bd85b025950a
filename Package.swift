// swift-tools-version: 6.2
// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
//
// Targets are listed by room (docs/modules.md); Platform <- capability <- Application, checked by scripts/check-layers.
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // Judging walks trees through small accessors of Documents; calls across modules would cost more than what they do.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let certificates = Target.Dependency.product(name: "X509", package: "swift-certificates")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioFoundation = Target.Dependency.product(name: "NIOFoundationCompat", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")

func platform(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Platform/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests", exclude: [],
        swiftSettings: strict)
}

let package = Package(
    name: "bulwark",
    products: [.executable(name: "bulwark", targets: ["bulwark"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // MARK: Platform
        platform("Findings"),
        .systemLibrary(
            name: "CLibYAML", path: "Sources/Platform/CLibYAML", pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]),
        .target(
            name: "CSimdjson", path: "Sources/Platform/CSimdjson",
            cxxSettings: [.unsafeFlags(["-O2"])],
            linkerSettings: [.linkedLibrary("simdjson")]),
        platform("Documents", ["CLibYAML", "CSimdjson"]),
        .target(
            name: "CRE2", path: "Sources/Platform/CRE2", cxxSettings: [.unsafeFlags(["-O2"])],
            linkerSettings: [.linkedLibrary("re2")]),
        platform("RegularExpressions", ["CRE2"]),
        .target(name: "CArchive", path: "Sources/Platform/CArchive", cSettings: [.unsafeFlags(["-O2"])]),
        platform("Archives", ["CArchive"]),
        .systemLibrary(
            name: "CSQLite", path: "Sources/Platform/CSQLite", pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(
            name: "CZlib", path: "Sources/Platform/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        platform("OCI", ["Archives", "Documents", httpClient, nio, nioHTTP1, nioSSL, crypto, log]),
        platform("PackageVersions"),
        .target(name: "CYara", path: "Sources/Platform/CYara", cSettings: [.unsafeFlags(["-O2"])]),
        .target(
            name: "Malware", dependencies: ["CYara", "Findings", crypto], path: "Sources/Platform/Malware",
            swiftSettings: strict, plugins: ["EmbedFiles"]),
        platform("Rego", ["Documents", "RegularExpressions", crypto, cryptoExtras]),
        platform("CEL", ["Documents", "RegularExpressions"]),
        platform("Kubernetes", ["Documents", httpClient, nio, nioPosix, nioHTTP1, nioFoundation, nioSSL, log]),
        platform("Store", ["Findings", grdb, crypto, log]),
        platform("Reporting", ["Findings"]),
        platform(
            "Admission",
            [
                "Findings", "Documents", "Kubernetes", hummingbird, hummingbirdTLS, certificates, crypto, log,
                lifecycle,
                nio, nioHTTP1, nioSSL, httpClient,
            ]),

        // MARK: Runtime security
        .target(
            name: "PodSecurity", dependencies: ["Findings", "Documents", "Kubernetes", crypto, log],
            path: "Sources/RuntimeSecurity/PodSecurity", swiftSettings: strict, plugins: ["EmbedFiles"]),
        .target(
            name: "PodPolicies", dependencies: ["Findings", "Documents", "Kubernetes", "Admission", log],
            path: "Sources/RuntimeSecurity/PodPolicies", swiftSettings: strict, plugins: ["EmbedFiles"]),

        // MARK: Supply chain
        .target(
            name: "Inventory", dependencies: ["Archives", "CSQLite", "CZlib", "Documents", crypto],
            path: "Sources/SupplyChain/Inventory", swiftSettings: strict),
        .target(
            name: "Advisories",
            dependencies: [
                "Findings", "Archives", "Documents", "PackageVersions", crypto, httpClient, nio, nioHTTP1, log,
            ],
            path: "Sources/SupplyChain/Advisories", swiftSettings: strict),
        .target(
            name: "ImageScanning",
            dependencies: [
                "Findings", "Archives", "Documents", "OCI", "Reporting", "Inventory", "PackageVersions", "Advisories",
                "Secrets", "Malware", "RegularExpressions", crypto,
            ],
            path: "Sources/SupplyChain/ImageScanning", swiftSettings: strict),
        .target(
            name: "ImagePolicies",
            dependencies: ["Findings", "Documents", "Kubernetes", "OCI", "Admission", "Reporting", crypto, log],
            path: "Sources/SupplyChain/ImagePolicies", swiftSettings: strict, plugins: ["EmbedFiles"]),
        .target(
            name: "ClusterImages",
            dependencies: [
                "Findings", "Documents", "Kubernetes", "OCI", "Inventory", "Advisories", "ImageScanning",
                "ImagePolicies", "Secrets", "Malware", "Store", "Reporting", "CZlib", grdb, crypto, log, lifecycle,
            ],
            path: "Sources/SupplyChain/ClusterImages", swiftSettings: strict),
        .target(
            name: "Secrets", dependencies: ["Findings", "Documents", "RegularExpressions", crypto],
            path: "Sources/SupplyChain/Secrets", swiftSettings: strict, plugins: ["EmbedFiles"]),

        // MARK: Infrastructure
        .target(
            name: "AccessControl",
            dependencies: [
                "Findings", "Documents", "Kubernetes", "Admission", "Rego", "CEL", "RegularExpressions", crypto, log,
                httpClient, nio, nioHTTP1, nioFoundation, nioSSL,
            ],
            path: "Sources/Infrastructure/AccessControl", swiftSettings: strict),

        // MARK: Application
        .target(
            name: "Console",
            dependencies: [
                "Findings", "Documents", "Store", "Reporting", "Admission", "PodSecurity", hummingbird,
                hummingbirdTLS, mustache,
                crypto, cryptoExtras, certificates, grdb, log, lifecycle, nio, nioSSL,
            ],
            path: "Sources/Application/Console", exclude: ["Templates", "Static"], swiftSettings: strict,
            plugins: ["EmbedFiles"]),
        .target(
            name: "Commands",
            dependencies: [
                "Findings", "Documents", "Kubernetes", "Store", "Reporting", "Admission", "PodSecurity", "PodPolicies",
                "Rego", "CEL", "AccessControl", "RegularExpressions", "OCI", "Inventory", "Advisories",
                "PackageVersions", "ImageScanning", "ClusterImages", "ImagePolicies",
                "Malware",
                "Secrets",
                "Console", arguments, lifecycle, unixSignals, log,
                configuration,
            ],
            path: "Sources/Application/Commands", swiftSettings: strict),
        .executableTarget(
            name: "bulwark", dependencies: ["Commands"], path: "Sources/Application/bulwark", swiftSettings: strict,
            linkerSettings: [
                // One binary that runs without the toolchain's libraries, starts sooner and counts references faster. Nothing is
                // loaded into it, so it exports no symbols, and its 170,000 relocations are packed, all for the sooner start.
                .unsafeFlags(
                    [
                        "-static-stdlib", "-lCoreFoundation", "-l_FoundationICU", "-l_FoundationCShims",
                        "-l_FoundationCollections", "-lstdc++", "-use-ld=lld", "-Xlinker", "--no-export-dynamic",
                        "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
                    ], .when(configuration: .release))
            ]),

        // MARK: Build tools
        .executableTarget(name: "embed-files", path: "Sources/Tools/embed-files", swiftSettings: strict),
        .plugin(
            name: "EmbedFiles", capability: .buildTool(), dependencies: ["embed-files"], path: "Plugins/EmbedFiles"),

        // MARK: Tests
        .target(
            name: "TestSupport", dependencies: ["Documents", "Kubernetes"], path: "Tests/TestSupport",
            swiftSettings: strict),
        tests("Findings", ["Findings"]),
        tests("Documents", ["Documents", "TestSupport"]),
        tests("Archives", ["Archives", "TestSupport"]),
        tests("Inventory", ["Inventory", "Archives", "Documents"]),
        tests("PackageVersions", ["PackageVersions"]),
        tests(
            "ImageScanning", ["ImageScanning", "Archives", "Findings", "Inventory", "OCI", "Secrets", "TestSupport"]),
        tests("OCI", ["OCI", "Archives", "TestSupport", crypto, nio, nioPosix, nioHTTP1]),
        tests("RegularExpressions", ["RegularExpressions"]),
        tests("Malware", ["Malware", "Findings", crypto]),
        tests("Secrets", ["Secrets", "Findings"]),
        tests("Rego", ["Rego", "Documents", "TestSupport", certificates, crypto, cryptoExtras]),
        tests("CEL", ["CEL", "Documents", "TestSupport"]),
        tests(
            "AccessControl",
            ["AccessControl", "Rego", "CEL", "Admission", "Documents", "Findings", "Kubernetes", "TestSupport"]),
        tests("Kubernetes", ["Kubernetes", "TestSupport"]),
        tests("Store", ["Store", "Findings", "TestSupport", grdb]),
        tests("Reporting", ["Reporting", "Findings", "TestSupport"]),
        tests("Admission", ["Admission", "Kubernetes", "Documents", "Findings", "TestSupport", httpClient]),
        tests("PodPolicies", ["PodPolicies", "Admission", "Documents", "Findings", "Kubernetes", "TestSupport"]),
        tests("ImagePolicies", ["ImagePolicies", "Admission", "Documents", "Findings", "Kubernetes", "TestSupport"]),
        tests("PodSecurity", ["PodSecurity", "Documents", "Findings", "TestSupport"]),
        tests("Console", ["Console", "Store", "Findings", "TestSupport", hummingbirdTesting]),
        tests(
            "ClusterImages",
            [
                "ClusterImages", "ImageScanning", "ImagePolicies", "Inventory", "Advisories", "OCI", "Kubernetes",
                "Documents", "Findings", "Store", "Secrets", "Malware", "TestSupport", grdb, log, lifecycle,
            ]),
        tests("Advisories", ["Advisories", "Findings", "PackageVersions", nio, nioPosix, nioHTTP1]),
        tests(
            "Commands",
            [
                "Commands", "ClusterImages", "Console", "Documents", "Findings", "ImageScanning", "Inventory",
                "PodPolicies", "PodSecurity", "Secrets", "Store", "TestSupport", arguments, log,
            ]),
        tests(
            "Integration",
            [
                "Commands", "Kubernetes", "Documents", "Admission", "Findings", "PodSecurity", "PodPolicies",
                "ImagePolicies", "Store", "Console", "TestSupport", httpClient, crypto,
            ]),
    ]
)

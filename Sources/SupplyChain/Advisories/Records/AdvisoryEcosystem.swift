// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import PackageVersions

/// A name of OSV's `affected[].package.ecosystem`: a base, and for distributions a release behind a colon (`Debian:12`).
package struct AdvisoryEcosystem: Sendable, Hashable {
    package let name: String
    /// Without the release: `Debian`. Its advisories lie in `BASE/<base>/all.zip` of OSV's bucket.
    package let base: String

    package init(_ name: String) {
        self.name = name
        base = name.utf8.firstIndex(of: 0x3A).map { String(name[..<$0]) } ?? name
    }

    /// How its versions are ordered; nil for an ecosystem that is not known here.
    package var scheme: VersionScheme? { Self.schemes[base] }

    /// Distributions, whose records name several vulnerabilities at once.
    package var isDistribution: Bool {
        switch scheme {
        case .dpkg, .apk, .rpm, .alpm: base != "opam"
        default: false
        }
    }

    /// Records name the source package, which many binary packages are built from.
    package var namesSources: Bool { isDistribution && (scheme == .dpkg || scheme == .apk) }

    /// The name under which a package is stored and looked up.
    package func normalized(_ package: String) -> String {
        switch base {
        case "PyPI": Self.pythonName(package)
        case "NuGet", "Packagist", "GitHub Actions", "VSCode", "Bitnami", "Hex", "Pub", "SwiftURL": package.lowercased()
        default: package
        }
    }

    /// PEP 503: lower case, runs of `-`, `_` and `.` become one hyphen.
    private static func pythonName(_ package: String) -> String {
        var name: [UInt8] = []
        for byte in package.utf8 {
            let isSeparator = byte == 0x2D || byte == 0x5F || byte == 0x2E
            if isSeparator, name.last == 0x2D { continue }
            name.append(isSeparator ? 0x2D : byte &- 0x41 < 26 ? byte | 0x20 : byte)
        }
        return String(decoding: name, as: UTF8.self)
    }

    /// OSV's ecosystems (ossf.github.io/osv-schema, "defined ecosystems").
    private static let schemes: [String: VersionScheme] = [
        "Debian": .dpkg, "Ubuntu": .dpkg, "Echo": .dpkg, "opam": .dpkg,
        "Alpine": .apk, "Alpaquita": .apk, "BellSoft Hardened Containers": .apk, "Wolfi": .apk, "Chainguard": .apk,
        "MinimOS": .apk,
        "AlmaLinux": .rpm, "Rocky Linux": .rpm, "Red Hat": .rpm, "Oracle Linux": .rpm, "openSUSE": .rpm, "SUSE": .rpm,
        "Mageia": .rpm, "Photon OS": .rpm, "Azure Linux": .rpm, "openEuler": .rpm, "Amazon Linux": .rpm, "Fedora": .rpm,
        "Arch Linux": .alpm,
        "npm": .semver, "crates.io": .semver, "GitHub Actions": .semver, "SwiftURL": .semver, "Hex": .semver,
        "Julia": .semver, "VSCode": .semver, "Kubernetes": .semver, "kubernetes": .semver, "Go": .go,
        "PyPI": .pep440, "Maven": .maven, "RubyGems": .gem, "Packagist": .packagist, "NuGet": .nuget, "Pub": .pub,
        "CRAN": .cran, "Bioconductor": .cran, "Hackage": .hackage, "GHC": .hackage, "ConanCenter": .conan,
        "Bitnami": .bitnami,
    ]
}

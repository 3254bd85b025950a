// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension PackageKind {
    /// The name of the ecosystem in OSV records; nil for kinds that have none there, and for those of distributions,
    /// where `Distribution.ecosystem` says it.
    package var ecosystem: String? {
        switch self {
        case .deb, .apk, .rpm, .conda, .cocoapods, .otp: nil
        case .npm: "npm"
        case .pypi: "PyPI"
        case .gem: "RubyGems"
        case .maven: "Maven"
        case .golang: "Go"
        case .cargo: "crates.io"
        case .composer: "Packagist"
        case .nuget: "NuGet"
        case .swift: "SwiftURL"
        case .pub: "Pub"
        case .hex: "Hex"
        case .conan: "ConanCenter"
        case .cran: "CRAN"
        case .julia: "Julia"
        case .hackage: "Hackage"
        case .bitnami: "Bitnami"
        }
    }
}

extension PackageKind {
    /// Whether anybody publishes advisories for it.
    package var hasAdvisories: Bool { isSystem || ecosystem != nil }
}

extension FoundPackage {
    /// The name as advisories write it: PyPI's are normalized (PEP 503), and case tells nothing apart in some ecosystems.
    package var advisoryName: String {
        switch kind {
        case .pypi: PythonName.normalized(name)
        case .nuget, .composer, .hex, .pub: name.lowercased()
        default: name
        }
    }
}

/// Names of Python distributions.
package enum PythonName {
    /// Lower case, with every run of `-`, `_` and `.` as one hyphen (PEP 503).
    package static func normalized(_ name: String) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(name.utf8.count)
        for byte in name.utf8 {
            switch byte {
            case 0x2D, 0x2E, 0x5F: if out.last != 0x2D { out.append(0x2D) }
            case 0x41...0x5A: out.append(byte + 0x20)
            default: out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

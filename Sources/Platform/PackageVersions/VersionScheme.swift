// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The rules by which versions of a packaging system are ordered.
package enum VersionScheme: String, Sendable, Hashable, CaseIterable {
    case dpkg, apk, rpm, alpm, gentoo
    case semver, pep440, maven, gem, go, composer, packagist, nuget, pub, cran, hackage, conan, openssl, jvm, bitnami

    /// Longer versions are refused; the longest that is known has about 200 bytes.
    package static let longest = 1024

    /// Compares two versions in time linear to their length.
    /// - Throws: `malformedVersion` where the packaging system itself refuses a version and so has no order for it.
    package func compare(_ a: String, _ b: String) throws(VersionError) -> VersionOrder {
        var (a, b) = (a, b)
        return try a.withUTF8 { a in
            b.withUTF8 { b in Result { () throws(VersionError) in try compare(a, b) } }
        }.get()
    }

    /// Compares two versions in UTF-8, for those who hold many in memory of their own.
    package func compare(
        _ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>
    ) throws(VersionError) -> VersionOrder {
        try order(VersionText(checking: a), VersionText(checking: b))
    }

    /// - Throws: `malformedVersion` for what `compare` refuses.
    package func validate(_ version: String) throws(VersionError) { _ = try compare(version, version) }

    func order(_ a: VersionText, _ b: VersionText) throws(VersionError) -> VersionOrder {
        switch self {
        case .dpkg: try DpkgVersion.order(a, b)
        case .apk: ApkVersion.order(a, b)
        case .rpm: RpmVersion.order(a, b)
        case .alpm: AlpmVersion.order(a, b)
        case .gentoo: try GentooVersion.order(a, b)
        case .semver: try SemanticVersion.order(a, b, .semver)
        case .go: try SemanticVersion.order(a, b, .go)
        case .nuget: try SemanticVersion.order(a, b, .nuget)
        case .pub: try SemanticVersion.order(a, b, .pub)
        case .bitnami: try SemanticVersion.order(a, b, .bitnami)
        case .pep440: PythonVersion.order(a, b)
        case .maven: MavenVersion.order(a, b)
        case .gem: try GemVersion.order(a, b)
        case .composer: ComposerVersion.order(a, b)
        case .packagist: try ComposerVersion.normalizedOrder(a, b)
        case .cran: try NumberList.order(a, b, separators: "-.")
        case .hackage: try NumberList.order(a, b, separators: ".")
        case .conan: try ConanVersion.order(a, b)
        case .openssl: try OpenSSLVersion.order(a, b)
        case .jvm: try JavaRuntimeVersion.order(a, b)
        }
    }
}

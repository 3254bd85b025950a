// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The rules by which versions of a packaging system are ordered.
package enum VersionScheme: String, Sendable, Hashable, CaseIterable {
    case dpkg, apk, rpm, alpm, gentoo
    case semver, pep440, maven, gem, go, composer, nuget, pub, cran, hackage, conan, openssl, jvm, bitnami
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The packaging system that a package belongs to. The raw value is the type of its package URL.
package enum PackageKind: String, Sendable, Hashable, CaseIterable {
    case deb, apk, rpm
    case npm, pypi, gem, maven, golang, cargo, composer, nuget, swift, cocoapods, pub, hex, conan, cran, julia, hackage
    case conda, otp, bitnami

    /// Comes with the distribution, whose advisories judge it.
    package var isSystem: Bool { self == .deb || self == .apk || self == .rpm }
}

/// A package that a file of an image says is there.
package struct FoundPackage: Sendable, Hashable {
    package var kind: PackageKind
    /// As its own ecosystem writes it: `org.apache.logging.log4j:log4j-core`, `@babel/core`, `Jinja2`.
    package var name: String
    /// Complete, as its packaging system compares it: `1:2.3-4+deb12u1`.
    package var version: String
    package var architecture = ""
    /// The source package it was built from; empty where it is its own.
    package var source = ""
    package var sourceVersion = ""
    /// Label of an rpm module: `nodejs:18`.
    package var module = ""
    package var licenses: [String] = []
    /// The file that says so, without a leading slash: `var/lib/dpkg/status`.
    package var path: String
    /// Inside that file, for nested archives: `WEB-INF/lib/a.jar`.
    package var innerPath = ""
    /// Of the archive, in hexadecimal, where only an index by it could tell the name for certain.
    package var sha1 = ""
    /// Only needed to build or test.
    package var isDevelopment = false
    /// The system package whose file `path` is, `deb:python3-requests`: the distribution's advisories judge it.
    package var owner = ""
    /// Index of the layer that brought `path`, from 0; nil outside images.
    package var layer: Int?

    /// `app.war!/WEB-INF/lib/a.jar`
    package var place: String { innerPath.isEmpty ? path : "\(path)!/\(innerPath)" }

    package init(_ kind: PackageKind, name: String, version: String, path: String) {
        self.kind = kind
        self.name = name
        self.version = version
        self.path = path
    }
}

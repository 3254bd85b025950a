// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A package to look up.
package struct AdvisoryQuery: Sendable, Hashable {
    /// `Debian:12`, `PyPI`.
    package var ecosystem: AdvisoryEcosystem
    package var name: String
    package var version: String
    /// The source package, and its version where it differs: Debian's and Alpine's advisories speak of it.
    package var source: String
    package var sourceVersion: String
    /// `nodejs:18` of an rpm module.
    package var module: String

    package init(
        ecosystem: String, name: String, version: String, source: String = "", sourceVersion: String = "",
        module: String = ""
    ) {
        self.ecosystem = AdvisoryEcosystem(ecosystem)
        self.name = name
        self.version = version
        self.source = source
        self.sourceVersion = sourceVersion
        self.module = module
    }

    /// The name that advisories use, normalised.
    var advisedName: String { ecosystem.normalized(ecosystem.namesSources && !source.isEmpty ? source : name) }

    /// The version that advisories speak of.
    var advisedVersion: String {
        ecosystem.namesSources && !source.isEmpty && !sourceVersion.isEmpty ? sourceVersion : version
    }
}

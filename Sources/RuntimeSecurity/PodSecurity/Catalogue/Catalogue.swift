// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// All checks that the binary carries, by id.
package struct Catalogue: Sendable {
    package let checks: [InspectionCheck]

    /// Reads the embedded `check.yaml` files. Throws when one does not hold together, which the tests rule out.
    package static func embedded() throws -> Catalogue {
        try Catalogue(files: EmbeddedChecks.files)
    }

    /// `files` are (path, text), the path ending in `<area>/<slug>/check.yaml`.
    init(files: [(path: String, text: String)]) throws {
        var checks: [InspectionCheck] = []
        checks.reserveCapacity(files.count)
        for file in files { checks.append(try CheckDecoding.check(path: file.path, text: file.text)) }
        checks.sort { ($0.check.area, $0.check.id) < ($1.check.area, $1.check.id) }
        let ids = Set(checks.map(\.check.id))
        guard ids.count == checks.count else { throw InspectionError(.catalogue, "two checks share an id") }
        self.checks = checks
    }

    private init(checks: [InspectionCheck]) { self.checks = checks }

    /// The check that an id, a slug or another tool's id means; nil for none, the first of several.
    package func check(_ name: String) -> InspectionCheck? {
        checks.first { $0.check.id == name } ?? checks.first { $0.check.answers(to: name) }
    }

    /// The checks that are asked for. Names are ids, slugs or other tools' ids; an unknown one is an error that names it.
    package func selecting(
        _ wanted: [String] = [], without unwanted: [String] = [], from severity: Severity = .unknown
    ) throws(InspectionError) -> Catalogue {
        for name in wanted + unwanted where !checks.contains(where: { $0.check.answers(to: name) }) {
            throw InspectionError(.unknownCheck, "there is no check \(name); 'bulwark checks list' shows them all")
        }
        return Catalogue(
            checks: checks.filter { entry in
                entry.check.severity >= severity
                    && (wanted.isEmpty || wanted.contains { entry.check.answers(to: $0) })
                    && !unwanted.contains { entry.check.answers(to: $0) }
            })
    }
}

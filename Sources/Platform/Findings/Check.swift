// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A stable, testable statement about state: what a check is, apart from how it is judged.
public final class Check: Sendable {
    /// `BW-<AREA>-<NNN>`, never reused.
    public let id: String
    /// The check's folder name, e.g. `host-network`.
    public let slug: String
    /// What it is about, as a group of checks, e.g. `host`.
    public let area: String
    /// One line that names the problem.
    public let title: String
    /// How bad the problem is.
    public let severity: Severity
    /// Why the problem matters, in plain text.
    public let why: String
    /// How to mend it, in plain text.
    public let remediation: String
    /// What other tools call it: tool name to ids, e.g. `checkov: [CKV_K8S_19]`.
    public let aliases: [(tool: String, ids: [String])]
    /// Outside requirements it maps to: benchmark to controls, e.g. `CIS: [5.2.5]`, `PSS: [baseline]`, `MITRE: [T1611]`.
    public let controls: [(benchmark: String, ids: [String])]
    /// Pages to read on.
    public let references: [String]
    /// The values it shows are credentials: they are masked wherever they would appear.
    public let sensitive: Bool
    /// It has a mechanical fix (`bulwark inspect --fix`).
    public let fixable: Bool

    /// A check of the catalogue.
    public init(
        id: String, slug: String, area: String, title: String, severity: Severity, why: String, remediation: String,
        aliases: [(tool: String, ids: [String])] = [], controls: [(benchmark: String, ids: [String])] = [],
        references: [String] = [], sensitive: Bool = false, fixable: Bool = false
    ) {
        self.id = id
        self.slug = slug
        self.area = area
        self.title = title
        self.severity = severity
        self.why = why
        self.remediation = remediation
        self.aliases = aliases
        self.controls = controls
        self.references = references
        self.sensitive = sensitive
        self.fixable = fixable
    }

    /// Whether a user means this check: its id, its slug, or another tool's id, in any case.
    public func answers(to name: String) -> Bool {
        let name = name.lowercased()
        return id.lowercased() == name || slug == name
            || aliases.contains { $0.ids.contains { $0.lowercased() == name } }
    }
}

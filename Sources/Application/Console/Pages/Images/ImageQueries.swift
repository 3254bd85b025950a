// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// Filters of images and vulnerabilities: the same fields on the pages and in the API.
extension ImageQuery {
    init(_ fields: Fields) throws {
        self.init()
        text = fields["text"] ?? ""
        namespace = fields["namespace"] ?? ""
        severity = try fields["severity"].map(FindingsQuery.severity)
        onlyFixable = try fields.flag("fixable")
        onlyMalware = try fields.flag("malware")
        includesPast = try fields.flag("past")
        if let text = fields["sort"] {
            guard let sort = Sort(rawValue: text) else {
                throw ConsoleError(.invalid, "Sort by worst, fixable, name or scanned.")
            }
            self.sort = sort
        }
    }
}

extension VulnerabilityQuery {
    init(_ fields: Fields) throws {
        self.init()
        text = fields["text"] ?? ""
        severity = try fields["severity"].map(FindingsQuery.severity)
        onlyFixable = try fields.flag("fixable")
        onlyExploited = try fields.flag("exploited")
    }

    /// Whether a vulnerability of an image is asked for.
    func takes(_ found: ImageDetail.Vulnerability) -> Bool {
        if let severity, found.severity < severity { return false }
        if onlyFixable, found.fixedVersion.isEmpty { return false }
        if onlyExploited, !found.isKnownExploited { return false }
        return text.isEmpty || [found.id, found.title, found.package].contains { $0.holds(text) }
    }
}

extension ImageDetail.Package {
    func holds(_ text: String) -> Bool { text.isEmpty || [name, kind, path].contains { $0.holds(text) } }
}

extension String {
    /// Whether `part` stands in it, in any case.
    fileprivate func holds(_ part: String) -> Bool { lowercased().contains(part.lowercased()) }
}

extension Fields {
    /// A box that is ticked: `true`. Missing is false.
    func flag(_ name: String) throws -> Bool {
        switch self[name] {
        case "true": true
        case "false", nil: false
        default: throw ConsoleError(.invalid, "\(name) is true or false.")
        }
    }
}

extension Array {
    /// The page that `page` from 1 names.
    func page(_ page: Int, size: Int) -> ArraySlice<Element> { dropFirst((page - 1) * size).prefix(size) }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import PackageVersions

/// `bulwark advisories versions`: compares versions line by line, for scripts/conformance.
struct AdvisoriesVersions: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions", abstract: "Compare versions from standard input.",
        discussion: """
            Lines of fields that are separated by tabs: compare A B, answered by <, = or >, and holds CONSTRAINT VERSION, answered \
            by true or false; or error and a reason.
            """, shouldDisplay: false)

    @Argument(help: "dpkg, rpm, pep440 …")
    var scheme: String

    func run() throws {
        guard let scheme = VersionScheme(rawValue: scheme) else {
            let known = VersionScheme.allCases.map(\.rawValue).joined(separator: ", ")
            throw UserError("there is no scheme \(scheme); there are: \(known)")
        }
        while let line = readLine() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            Terminal.say(Self.answer(fields, scheme))
        }
    }

    private static func answer(_ fields: [String], _ scheme: VersionScheme) -> String {
        guard fields.count == 3 else { return "error expected three fields" }
        do throws(VersionError) {
            switch fields[0] {
            case "compare":
                switch try scheme.compare(fields[1], fields[2]) {
                case .less: return "<"
                case .equal: return "="
                case .greater: return ">"
                }
            case "holds": return try VersionConstraint(fields[1], scheme).contains(fields[2]) ? "true" : "false"
            default: return "error there is no question \(fields[0])"
            }
        } catch { return "error \(error.message)" }
    }
}

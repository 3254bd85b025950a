// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import Testing

@testable import PodSecurity

/// The root of the package.
let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

/// Judges texts together, as files of one folder, with some checks.
func inspect(_ texts: [String], checks: [String] = [], all: Bool = false) throws -> [CheckResult] {
    var inspector = Inspector(try Catalogue.embedded().selecting(checks))
    inspector.includesPasses = all
    var found: [FoundObject] = []
    for text in texts {
        for document in DocumentReader.documents(in: Array(text.utf8), source: "test.yaml") {
            let root = try document.get().root
            FoundObject.all(in: root, problem: { message, line in Issue.record("\(line): \(message)") }) {
                found.append($0)
            }
        }
    }
    for object in found { if let kind = object.kind { inspector.context.add(object.object, kind: kind) } }
    var results: [CheckResult] = []
    var tally = Tally()
    for object in found {
        guard let kind = object.kind else { continue }
        let input = Inspector.Input(object: object.object, kind: kind, subject: object.subject, file: "test.yaml")
        inspector.inspect(input, tally: &tally) { results.append($0) }
    }
    return results
}

@Suite struct CatalogueTests {
    @Test func holdsEveryRowOfTheTable() throws {
        let catalogue = try Catalogue.embedded()
        #expect(catalogue.checks.count == 80)
        #expect(Set(catalogue.checks.map(\.check.slug)).count == 80)
        for entry in catalogue.checks {
            let check = entry.check
            #expect(check.id.wholeMatch(of: /BW-[A-Z]+-\d{3}/) != nil, "\(check.slug)")
            #expect(check.title.count <= 80 && !check.why.isEmpty && !check.remediation.isEmpty, "\(check.slug)")
            #expect(!check.references.isEmpty, "\(check.slug)")
        }
    }

    @Test func checksThatShowCredentialsAreSensitive() throws {
        let sensitive = Set(try Catalogue.embedded().checks.filter(\.check.sensitive).map(\.check.slug))
        #expect(sensitive == ["cleartext-secret-env", "secret-configmap"])
    }

    @Test func unknownNamesAreRefused() throws {
        let catalogue = try Catalogue.embedded()
        #expect(throws: InspectionError.self) { try catalogue.selecting(["no-such-check"]) }
        #expect(throws: InspectionError.self) { try catalogue.selecting([], without: ["CKV_K8S_99999"]) }
        #expect(try catalogue.selecting(["CKV_K8S_16"]).checks.map(\.check.slug) == ["privileged"])
        #expect(try catalogue.selecting(from: .critical).checks.allSatisfy { $0.check.severity == .critical })
    }

    /// Every check's own examples: a failing one fails it, a passing one passes it, one in `warn` gives a warning and does not
    /// fail it; none confuses it.
    @Test func examplesShowWhatTheyClaim() throws {
        for entry in try Catalogue.embedded().checks {
            let slug = entry.check.slug
            let folder = packageRoot.appending(path: "checks/\(entry.check.area)/\(slug)/examples")
            for (kind, wanted) in [("fail", Outcome.fail), ("pass", Outcome.pass), ("warn", Outcome.warn)] {
                let place = folder.appending(path: kind)
                // Few checks warn.
                if wanted == .warn, !FileManager.default.fileExists(atPath: place.path) { continue }
                let files = try FileManager.default.contentsOfDirectory(at: place, includingPropertiesForKeys: nil)
                #expect(!files.isEmpty, "\(slug) has no \(kind) example")
                for file in files {
                    let results = try inspect(
                        [String(contentsOf: file, encoding: .utf8)], checks: [entry.check.id], all: true)
                    let outcomes = results.filter { $0.check === entry.check || $0.check.id == entry.check.id }.map(
                        \.outcome)
                    #expect(outcomes.contains(wanted), "\(slug): \(kind)/\(file.lastPathComponent) gave \(outcomes)")
                    #expect(
                        !outcomes.contains(.error),
                        "\(slug): \(kind)/\(file.lastPathComponent): \(results.map(\.message))")
                    if wanted != .fail {
                        #expect(
                            !outcomes.contains(.fail), "\(slug): \(file.lastPathComponent): \(results.map(\.message))")
                    }
                }
            }
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Findings
import PodSecurity

/// Files as something to inspect again and again: what `make up` shows before there is a cluster.
struct FileSource: InspectionSource {
    let name: String
    let paths: [String]
    let catalogue: Catalogue
    let masking: Masking
    let recorder: any InspectionRecorder
    let now: @Sendable () -> Int64

    func watch() async throws {}

    func becomeReady() async throws {}

    func health() -> [SourceHealth] { [SourceHealth(kind: "files", isReady: true)] }

    func suggestedPatch(for subject: Subject) async throws -> String? {
        var inspector = Inspector(catalogue)
        inspector.exemptions = try await recorder.exemptions()
        let inspection = FileInspection(options: try InspectionOptions.parse([]), inspector: inspector, cluster: name)
        return inspection.patch(for: subject, in: paths)
    }

    func inspectAll(report: Int64, progress: @Sendable (Int, Int) -> Void) async throws -> Summary {
        var inspector = Inspector(catalogue)
        inspector.masking = masking
        inspector.now = now()
        inspector.exemptions = try await recorder.exemptions()
        let inspection = FileInspection(options: try InspectionOptions.parse([]), inspector: inspector, cluster: name)
        var objects: [InspectedObject] = []
        try inspection.run(paths) { result in
            if objects.last?.subject == result.subject {
                objects[objects.count - 1].results.append(result)
            } else {
                objects.append(InspectedObject(subject: result.subject, results: [result]))
            }
        }
        for start in stride(from: 0, to: objects.count, by: 500) {
            try await recorder.record(Array(objects[start..<min(start + 500, objects.count)]), report: report)
            progress(min(start + 500, objects.count), objects.count)
        }
        return inspection.tally.summary
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// The report as data (docs/schemas/inspection-v1.schema.json), in JSON or YAML. `summary` stands last in the text,
/// because everything before it is written while the run goes on.
struct DataEncoder: ReportEncoder {
    static let schemaVersion = "1"

    private var writer: TreeWriter
    /// The subject of the last result and its JSON: results of a subject come together.
    private var lastSubject: Subject?
    private var lastSubjectJSON = OutputBuffer()

    init(_ style: TreeWriter.Style, output: OutputBuffer) {
        writer = TreeWriter(style, output: output)
    }

    mutating func begin(_ context: ReportContext) {
        writer.beginObject()
        writer.field("schemaVersion", Self.schemaVersion)
        writer.breakLine()
        writer.key("checks")
        writer.beginObject()
        for check in context.sortedChecks {
            writer.breakLine()
            writer.key(dynamic: check.id)
            writer.check(check, withID: false)
        }
        writer.endObject()
        writer.breakLine()
        writer.key("results")
        writer.beginArray()
        writer.output.flush()
    }

    mutating func add(_ result: CheckResult) {
        writer.breakLine()
        guard writer.style == .json else { return writer.result(result) }
        if lastSubject != result.subject {
            var small = TreeWriter(.json)
            small.subject(result.subject)
            lastSubject = result.subject
            lastSubjectJSON = small.output
        }
        writer.beginObject()
        writer.resultHead(result)
        writer.key("subject")
        writer.prepared(lastSubjectJSON)
        writer.resultTail(result)
        writer.endObject()
    }

    mutating func finish(_ summary: Summary) {
        writer.endArray()
        writer.breakLine()
        writer.key("summary")
        writer.summary(summary)
        writer.endObject()
        writer.finish()
        writer.output.flush()
    }
}

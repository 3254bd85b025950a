// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// The report as data (docs/schemas/inspection-v1.schema.json), in JSON or YAML. `summary` stands last in the text,
/// because everything before it is written while the run goes on.
struct DataEncoder: ReportEncoder {
    static let schemaVersion = "1"

    private var writer: TreeWriter
    /// The subject of the last result and its JSON: results of a subject come together.
    private var lastSubject = Subject(apiVersion: "", kind: "", name: "")
    private var lastSubjectJSON = OutputBuffer()
    /// The file of the last result, as JSON.
    private var lastFile = ""
    private var lastFileJSON = OutputBuffer()
    /// How the results of a check with an outcome begin. They come in the order of the checks, so the next one is mostly near.
    private var heads: [Head] = []
    private var nextHead = 0

    private struct Head {
        let check: ObjectIdentifier
        let outcome: UInt8
        let json: OutputBuffer
    }

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
        let texts = ResultTexts(result)
        // Names come from outside and may be of any length, and there is to be room for the worst case.
        guard texts.length < 4096 else { return writer.result(result) }
        if lastSubjectJSON.count == 0 || !lastSubject.isSame(as: result.subject) {
            var small = TreeWriter(.json)
            small.subject(result.subject)
            lastSubject = result.subject
            lastSubjectJSON = small.output
        }
        if let source = result.source, source.file != lastFile {
            var small = OutputBuffer()
            small.append(json: source.file)
            (lastFile, lastFileJSON) = (source.file, small)
        }
        writer.prepared(head(result.check, result.outcome))
        var exemption: OutputBuffer?
        if result.isExempt, let found = result.exemption {
            var small = TreeWriter(.json)
            small.exemption(found)
            exemption = small.output
        }
        writer.output.write(
            texts, line: result.line, fingerprint: result.fingerprint, subject: lastSubjectJSON, file: lastFileJSON,
            exemption: exemption)
    }

    private mutating func head(_ check: Check, _ outcome: Outcome) -> OutputBuffer {
        let (id, code) = (ObjectIdentifier(check), outcome.code)
        var at = nextHead
        for _ in heads.indices {
            if at >= heads.count { at = 0 }
            if heads[at].check == id, heads[at].outcome == code {
                nextHead = at + 1
                return heads[at].json
            }
            at += 1
        }
        var small = OutputBuffer()
        small.append("{")
        small.append(member: "check", check.id, comma: false)
        small.append(member: "outcome", outcome.rawValue, comma: true)
        small.append(member: "severity", check.severity.description, comma: true)
        small.append(",\"subject\":")
        nextHead = heads.count
        heads.append(Head(check: id, outcome: code, json: small))
        return small
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

extension Outcome {
    /// A number for comparing, where comparing texts would count.
    fileprivate var code: UInt8 {
        switch self {
        case .pass: 0
        case .fail: 1
        case .warn: 2
        case .error: 3
        case .skip: 4
        }
    }
}

/// The texts of a result that are its own.
private struct ResultTexts {
    let container: String
    let message: String
    let place: String
    let field: String
    let value: String
    let length: Int

    init(_ result: CheckResult) {
        (container, message, value) = (result.container, result.message, result.value)
        (place, field) = (result.place, result.field)
        length = container.utf8.count + message.utf8.count + value.utf8.count + place.utf8.count + field.utf8.count
    }
}

extension OutputBuffer {
    /// A result after its beginning, which ends with the key of the subject: `TreeWriter.result` for the case of millions.
    fileprivate mutating func write(
        _ texts: ResultTexts, line: Int?, fingerprint: Fingerprint, subject: OutputBuffer, file: OutputBuffer,
        exemption: OutputBuffer?
    ) {
        let room =
            OutputCursor.room(texts.length, texts: 5) + subject.count + file.count + (exemption?.count ?? 0) + 256
        write(room: room) { out in
            out.write(subject)
            out.write(",\"container\":\"")
            out.write(escaped: texts.container)
            out.write("\",\"message\":\"")
            out.write(escaped: texts.message)
            out.write("\",\"path\":\"")
            out.write(escaped: texts.place)
            out.write(escaped: texts.field)
            out.write("\",\"value\":\"")
            out.write(escaped: texts.value)
            if let line {
                out.write("\",\"source\":{\"file\":")
                out.write(file)
                out.write(",\"line\":")
                out.write(count: max(line, 0))
                out.write("},\"fingerprint\":\"")
            } else {
                out.write("\",\"source\":null,\"fingerprint\":\"")
            }
            out.write(hex: fingerprint.high)
            out.write(hex: fingerprint.low)
            if let exemption {
                out.write("\",\"exemption\":")
                out.write(exemption)
                out.write("}")
            } else {
                out.write("\"}")
            }
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Testing

@testable import Reporting

@Suite struct JSONTests {
    @Test func carriesEveryField() throws {
        let report = try JSON.object(Samples.encode(.json))
        #expect(Set(report.keys) == ["schemaVersion", "summary", "checks", "results"])
        #expect(report["schemaVersion"] as? String == "1")
        let checks = try #require(report["checks"] as? [String: [String: Any]])
        #expect(Set(checks.keys) == Set(Samples.checks.map(\.id)))
        #expect(checks["BW-HOST-001"]?["slug"] as? String == "host-network")
        #expect((checks["BW-HOST-001"]?["aliases"] as? [String: [String]])?["checkov"] == ["CKV_K8S_19"])
        let results = try #require(report["results"] as? [[String: Any]])
        #expect(results.count == Samples.results.count)
        for (read, result) in zip(results, Samples.results) {
            #expect(read["check"] as? String == result.check.id)
            #expect(read["outcome"] as? String == result.outcome.rawValue)
            #expect(read["container"] as? String == result.container)
            #expect(read["message"] as? String == result.message)
            #expect(read["path"] as? String == result.path)
            #expect(read["value"] as? String == result.value)
            #expect(read["fingerprint"] as? String == result.fingerprint.description)
            let subject = try #require(read["subject"] as? [String: String])
            #expect(
                subject == [
                    "cluster": result.subject.cluster, "apiVersion": result.subject.apiVersion,
                    "kind": result.subject.kind, "namespace": result.subject.namespace, "name": result.subject.name,
                ])
            let source = read["source"] as? [String: Any]
            #expect(source?["file"] as? String == result.source?.file && source?["line"] as? Int == result.source?.line)
            #expect((read["exemption"] as? [String: Any])?["owner"] as? String == result.exemption?.owner)
        }
        let summary = try #require(report["summary"] as? [String: Any])
        #expect(summary["objects"] as? Int == 4 && summary["subjects"] as? Int == 3)
        #expect(summary["score"] as? Int == Samples.summary.score)
        let counts = try #require(summary["results"] as? [String: [String: Int]])
        for outcome in Outcome.allCases {
            for severity in Severity.allCases {
                #expect(counts[outcome.rawValue]?[severity.description] == Samples.summary.count(outcome, severity))
            }
        }
    }

    @Test func emptyRunIsWhole() throws {
        let context = ReportContext(toolVersion: "1", time: 0, source: "", checks: [])
        let text = Samples.encode(.json, results: [], summary: Summary(), context: context)
        let report = try JSON.object(text)
        #expect((report["results"] as? [Any])?.isEmpty == true)
        #expect((report["summary"] as? [String: Any])?["score"] as? Int == 100)
    }

    @Test(arguments: [OutputFormat.json, .sarif, .table])
    func memoryStaysBounded(format: OutputFormat) {
        var largest = 0
        var total = 0
        var encoder = makeEncoder(format) {
            largest = max(largest, $0.count)
            total += $0.count
        }
        encoder.begin(Samples.context())
        for number in 0..<20_000 {
            var result = Samples.results[1]
            result.subject.name = "cart-\(number / 4)"
            encoder.add(result)
        }
        #expect(total > 1_000_000, "results leave while the run goes on")
        encoder.finish(Samples.summary)
        #expect(largest < 2 * OutputBuffer.blockSize)
    }

    @Test func singleValues() throws {
        var buffer = OutputBuffer()
        let finding = Finding(
            fingerprint: Fingerprint(high: 1, low: 2), checkID: "BW-HOST-001", severity: .high, outcome: .fail,
            subject: Samples.cart, container: "", message: "m", path: "p", value: "v", status: .inProgress,
            firstSeen: 0, lastSeen: 60, reopened: 2)
        JSONEncoding.append(finding, check: Samples.hostNetwork, to: &buffer)
        let read = try JSON.object(buffer.text)
        #expect(read["status"] as? String == "inProgress" && read["lastSeen"] as? String == "1970-01-01T00:01:00Z")
        #expect(read["resolvedAt"] is NSNull && read["slug"] as? String == "host-network")

        buffer = OutputBuffer()
        JSONEncoding.append(
            Report(id: 4, cluster: "c", trigger: .demand, state: .running, started: 5, summary: Samples.summary),
            to: &buffer)
        let report = try JSON.object(buffer.text)
        #expect(report["id"] as? Int == 4 && report["finished"] is NSNull && report["trigger"] as? String == "demand")

        buffer = OutputBuffer()
        JSONEncoding.write(into: &buffer) { writer in
            writer.array { writer in
                writer.check(Samples.labels)
                writer.exemption(Samples.exemption)
                writer.result(Samples.results[0])
                writer.summary(Samples.summary)
            }
        }
        let list = try #require(try JSONSerialization.jsonObject(with: Data(buffer.bytes)) as? [[String: Any]])
        #expect(list.count == 4 && list[0]["id"] as? String == "BW-WL-007")
        #expect(list[1]["expiry"] as? String == "2027-01-15T08:00:00Z")
    }
}

enum JSON {
    static func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }
}

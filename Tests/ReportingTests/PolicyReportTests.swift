// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Testing

@testable import Reporting

@Suite struct PolicyReportTests {
    @Test(arguments: PolicyReportAPI.allCases)
    func oneObjectANamespace(api: PolicyReportAPI) throws {
        var objects = PolicyReportObjects(api: api, time: Samples.time)
        for result in Samples.results { objects.add(result) }
        let list = objects.objects()
        let prefix = api == .wgpolicy ? "PolicyReport" : "Report"
        #expect(list.map(\.namespace) == ["", "default", "shop"])
        #expect(list.map(\.kind) == ["Cluster\(prefix)", prefix, prefix])
        let shop = try #require(list.last)
        let object = try JSON.object(String(decoding: shop.json, as: UTF8.self))
        #expect(object["apiVersion"] as? String == api.apiVersion && object["kind"] as? String == shop.kind)
        #expect(object["source"] as? String == (api == .openreports ? "bulwark" : nil))
        let metadata = try #require(object["metadata"] as? [String: Any])
        #expect(metadata["name"] as? String == "bulwark-inspection" && metadata["namespace"] as? String == "shop")
        #expect(metadata["annotations"] == nil)
        #expect(object["summary"] as? [String: Int] == ["pass": 1, "fail": 2, "warn": 1, "error": 0, "skip": 1])
        let results = try #require(object["results"] as? [[String: Any]])
        #expect(results.map { $0["result"] as? String } == ["fail", "warn", "fail", "skip", "pass"], "worst first")
        let severities: Set<String> = ["critical", "high", "medium", "low", "info"]
        for result in results {
            #expect(severities.contains(result["severity"] as? String ?? ""))
            #expect((result["timestamp"] as? [String: Int])?["seconds"] == Int(Samples.time))
            #expect(result["properties"] is [String: String])
            #expect((result["resources"] as? [[String: String]])?.first?["namespace"] == "shop")
        }
        #expect(results[0]["policy"] as? String == "BW-PRIV-003" && results[0]["scored"] as? Bool == true)
        #expect(results[1]["scored"] as? Bool == false)
    }

    @Test func staysUnderTheLimitAndSaysSo() throws {
        var objects = PolicyReportObjects(api: .wgpolicy, time: 0, limit: 20_000)
        for number in 0..<500 {
            objects.add(Samples.result(Samples.readiness, .fail, message: "low", number: UInt64(number)))
        }
        for number in 500..<510 {
            objects.add(Samples.result(Samples.privileged, .fail, message: "critical", number: UInt64(number)))
        }
        let object = try #require(objects.objects().first)
        #expect(object.json.count < 21_000)
        let read = try JSON.object(String(decoding: object.json, as: UTF8.self))
        let results = try #require(read["results"] as? [[String: Any]])
        #expect(results.count { $0["severity"] as? String == "critical" } == 10)
        #expect((read["summary"] as? [String: Int])?["fail"] == 510)
        let annotations = (read["metadata"] as? [String: Any])?["annotations"] as? [String: String]
        let note = try #require(annotations?[PolicyReportObjects.omittedAnnotation])
        #expect(note.hasPrefix("\(510 - results.count) "))
    }

    @Test func largestObjectIsBelowAMegabyte() throws {
        var objects = PolicyReportObjects(api: .openreports, time: 0)
        for number in 0..<4000 {
            let message = String(repeating: "\u{1}", count: 200)
            objects.add(Samples.result(Samples.secretEnv, .fail, message: message, number: UInt64(number)))
        }
        #expect(try #require(objects.objects().first).json.count < 1_000_000)
    }

    @Test func findingsOfTheLedger() throws {
        var finding = Finding(
            fingerprint: Fingerprint(high: 1, low: 2), checkID: "BW-HOST-001", severity: .high, outcome: .fail,
            subject: Samples.cart, container: "", message: "m", path: "p", value: "v", status: .new, firstSeen: 0,
            lastSeen: 60)
        var objects = PolicyReportObjects(api: .wgpolicy, time: 0)
        objects.add(finding, check: Samples.hostNetwork)
        finding.status = .suppressed
        objects.add(finding, check: Samples.hostNetwork)
        finding.status = .resolved
        objects.add(finding, check: Samples.hostNetwork)
        let read = try JSON.object(String(decoding: try #require(objects.objects().first).json, as: UTF8.self))
        #expect(read["summary"] as? [String: Int] == ["pass": 0, "fail": 1, "warn": 0, "error": 0, "skip": 1])
    }

    @Test(arguments: [
        (PolicyReportAPI.wgpolicy, "", "/apis/wgpolicyk8s.io/v1alpha2/clusterpolicyreports"),
        (.wgpolicy, "shop", "/apis/wgpolicyk8s.io/v1alpha2/namespaces/shop/policyreports"),
        (.openreports, "", "/apis/openreports.io/v1alpha1/clusterreports"),
        (.openreports, "shop", "/apis/openreports.io/v1alpha1/namespaces/shop/reports"),
    ])
    func paths(api: PolicyReportAPI, namespace: String, path: String) {
        #expect(api.path(namespace: namespace) == path)
    }
}

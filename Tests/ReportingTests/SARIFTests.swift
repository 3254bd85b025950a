// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Testing

@testable import Reporting

@Suite struct SARIFTests {
    @Test func isCompleteSARIF() throws {
        let log = try JSON.object(Samples.encode(.sarif, EncodingOptions(baseDirectory: "/src/project/")))
        #expect(log["version"] as? String == "2.1.0")
        let run = try #require((log["runs"] as? [[String: Any]])?.first)
        let driver = try #require((run["tool"] as? [String: Any])?["driver"] as? [String: Any])
        #expect(driver["name"] as? String == "bulwark" && driver["semanticVersion"] as? String == "0.1.0")
        let rules = try #require(driver["rules"] as? [[String: Any]])
        #expect(rules.map { $0["id"] as? String } == Samples.checks.map(\.id).sorted())
        let rule = try #require(rules.first)
        #expect(rule["name"] as? String == "HostNetwork")
        let properties = try #require(rule["properties"] as? [String: Any])
        #expect(properties["security-severity"] as? String == "8.0")
        #expect((properties["tags"] as? [String])?.contains("CIS:5.2.5") == true)
        let help = try #require(rule["help"] as? [String: String])
        #expect(help["text"]?.contains("Remove `hostNetwork: true`") == true)
        #expect(help["markdown"]?.contains("**How to fix:**") == true)

        let results = try #require(run["results"] as? [[String: Any]])
        let kinds = results.map { "\($0["kind"] ?? "")/\($0["level"] ?? "")" }
        #expect(
            kinds == [
                "fail/note", "fail/error", "fail/error", "fail/warning", "pass/none", "fail/error", "open/none",
                "notApplicable/none", "fail/note",
            ])
        for result in results {
            let index = try #require(result["ruleIndex"] as? Int)
            #expect(rules[index]["id"] as? String == result["ruleId"] as? String)
            #expect((result["partialFingerprints"] as? [String: String])?["bulwark/v1"]?.count == 32)
        }
        let suppressions = try #require(results[2]["suppressions"] as? [[String: Any]])
        #expect((suppressions[0]["justification"] as? String)?.contains("payments") == true)
        #expect(results[1]["suppressions"] == nil)
        let invocation = try #require((run["invocations"] as? [[String: Any]])?.first)
        #expect(invocation["executionSuccessful"] as? Bool == false)
        #expect((invocation["toolExecutionNotifications"] as? [Any])?.count == 1)
    }

    @Test func locations() throws {
        let log = try JSON.object(Samples.encode(.sarif, EncodingOptions(baseDirectory: "/src/project")))
        let run = try #require((log["runs"] as? [[String: Any]])?.first)
        let results = try #require(run["results"] as? [[String: Any]])
        let location = try #require((results[1]["locations"] as? [[String: Any]])?.first)
        let physical = try #require(location["physicalLocation"] as? [String: Any])
        #expect(
            physical["artifactLocation"] as? [String: String]
                == ["uri": "examples/shop/cart.yaml", "uriBaseId": "SRCROOT"])
        #expect((physical["region"] as? [String: Int])?["startLine"] == 21)
        let logical = try #require((location["logicalLocations"] as? [[String: String]])?.first)
        #expect(logical["fullyQualifiedName"] == "apps/Deployment/shop/cart/app")
        let input = try #require((results[6]["locations"] as? [[String: Any]])?.first)
        #expect(input["physicalLocation"] == nil, "standard input is no file")
    }

    @Test(arguments: [
        ("a/b.yaml", "", "a/b.yaml", true), ("./a/../b.yaml", "", "b.yaml", true),
        ("/x/y.yaml", "", "file:///x/y.yaml", false),
        ("a.yaml", "/src", "a.yaml", true), ("/src/sub/a.yaml", "/src/", "sub/a.yaml", true),
        ("../a.yaml", "/src", "file:///a.yaml", false), ("/srcother/a.yaml", "/src", "file:///srcother/a.yaml", false),
        ("../../../a.yaml", "", "../../../a.yaml", true), ("ü x%:#?.yaml", "", "%C3%BC%20x%25%3A%23%3F.yaml", true),
        ("a\nb", "", "a%0Ab", true),
    ])
    func uris(file: String, base: String, uri: String, isRelative: Bool) {
        let place = SourcePath.uri(file, base: SourcePath.directory(base))
        #expect(place.uri == uri && place.isRelative == isRelative)
    }
}

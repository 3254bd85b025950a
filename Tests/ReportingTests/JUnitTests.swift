// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import FoundationXML
import Testing

@testable import Reporting

@Suite struct JUnitTests {
    @Test func isWellFormedAndCounts() throws {
        let text = Samples.encode(.junit)
        #expect(Samples.controls(text).isEmpty)
        let document = try XMLDocument(data: Data(text.utf8))
        let suites = try #require(document.rootElement()).elements(forName: "testsuite")
        #expect(suites.count == 3)
        let counts = suites.map { suite in
            ["tests", "failures", "errors", "skipped"].map { suite.attribute(forName: $0)?.stringValue ?? "" }
        }
        #expect(counts == [["5", "3", "0", "1"], ["3", "1", "1", "1"], ["1", "1", "0", "0"]])
        #expect(suites[0].attribute(forName: "name")?.stringValue == "Deployment shop/cart")
        #expect(suites[0].attribute(forName: "timestamp")?.stringValue == "2026-03-01T09:30:00")
        for suite in suites {
            let cases = suite.elements(forName: "testcase")
            #expect(String(cases.count) == suite.attribute(forName: "tests")?.stringValue)
        }
        let failure = try #require(suites[0].elements(forName: "testcase")[1].elements(forName: "failure").first)
        #expect(failure.attribute(forName: "type")?.stringValue == "critical")
        #expect(failure.stringValue?.contains("Fix: Set securityContext.privileged to false.") == true)
        #expect(failure.stringValue?.contains("./examples/shop/cart.yaml:21") == true)
        let skipped = try #require(suites[0].elements(forName: "testcase")[2].elements(forName: "skipped").first)
        #expect(
            skipped.attribute(forName: "message")?.stringValue == "exempted by payments: needs the \"host\" <network>")
    }
}

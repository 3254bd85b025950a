// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import Console

struct ConstraintsTests {
    private func viewing(_ body: @Sendable (Browser) async throws -> Void) async throws {
        let console = try await ConsoleFixture(constraints: SampleConstraints())
        try await console.fillViolations()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            try await body(browser)
        }
    }

    @Test func withoutConstraintsThePageSaysHowToTurnThemOn() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            #expect(try await browser.get("/constraints").text.contains("--admission --gatekeeper"))
            #expect(try await browser.get("/constraints/A/b").status == .serviceUnavailable)
            #expect(try await browser.get("/api/v1/constraints").status == .serviceUnavailable)
        }
    }

    @Test func pagesShowConstraintsWithTheirViolations() async throws {
        try await viewing { browser in
            let list = try await browser.get("/constraints").text
            for text in [
                "4 constraints, 3 open violations", "shop-repos", "secrets: never read", "Assign/pull-always",
                "rego_parse_error", "objects in 412 ms",
            ] {
                #expect(list.contains(text), "\(text)")
            }
            let one = try await browser.get("/constraints/K8sAllowedRepos/shop-repos").text
            for text in ["3 open violations", "container &lt;app&gt; has an invalid image", "pod-2", "Parameters"] {
                #expect(one.contains(text), "\(text)")
            }
            #expect(try await browser.get("/constraints/K8sRequiredLabels/typo").text.contains("It is not in force"))
            #expect(try await browser.get("/constraints/K8sRequiredLabels/none").status == .notFound)
            let findings = try await browser.get("/findings?check=K8sAllowedRepos%2Fshop-repos").text
            #expect(findings.contains("3 findings with these filters"))
        }
    }

    @Test func hostileNamesAreText() async throws {
        try await viewing { browser in
            for path in ["/constraints", "/constraints/Hostile/\(Fields.encode(SampleConstraints.hostile))"] {
                let page = try await browser.get(path)
                #expect(page.status == .ok && !page.text.contains("<script>alert"), "\(path)")
            }
        }
    }

    @Test func theAPITellsTheSame() async throws {
        try await viewing { browser in
            let list = try await browser.get("/api/v1/constraints").text
            #expect(list.contains(#""name":"shop-repos","action":"deny","check":"K8sAllowedRepos/shop-repos""#))
            let one = try await browser.get("/api/v1/constraints/K8sAllowedRepos/shop-repos").text
            #expect(one.contains(#""violations":3"#), "\(one)")
            #expect(try await browser.get("/api/v1/constrainttemplates").text.contains(#""engine":"CEL""#))
            #expect(try await browser.get("/api/v1/constraintaudit").text.contains(#""milliseconds":412"#))
        }
    }
}

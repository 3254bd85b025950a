// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Store
import Testing

@testable import Console

struct PoliciesTests {
    private func admin(_ body: @Sendable (Browser, ConsoleFixture) async throws -> Void) async throws {
        let console = try await ConsoleFixture(policies: SamplePolicies())
        try await console.fillDecisions()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            try await body(browser, console)
        }
    }

    @Test func withoutAdmissionEveryPageSaysHowToTurnItOn() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            for path in ["/policies", "/bindings/new", "/bindings/new?preview=1&policy=x"] {
                let page = try await browser.get(path)
                #expect(page.status == .ok && page.text.contains("bulwark serve --admission"), "\(path)")
            }
            #expect(try await browser.get("/decisions").text.contains("Admission is off"))
            #expect(try await !browser.get("/").text.contains("<h2>Admission</h2>"))
            #expect(try await browser.get("/policies/restricted").status == .serviceUnavailable)
            #expect(try await browser.get("/api/v1/admission").text == #"{"on":false,"state":null}"#)
            #expect(try await browser.get("/api/v1/policies").status == .serviceUnavailable)
            let refused = try await browser.post("/admission/control", ["enabled": "false"])
            #expect(refused.status == .serviceUnavailable)
        }
    }

    @Test func pagesShowWhatThereIs() async throws {
        try await admin { browser, _ in
            let list = try await browser.get("/policies").text
            for text in ["default-baseline", "standard baseline@latest", "shop/cart", "team in (shop, pay)", "sandbox"]
            {
                #expect(list.contains(text), "\(text)")
            }
            let policy = try await browser.get("/policies/restricted").text
            for text in [
                "must not be root", "team-observability", "expired", "shop-restricted", "Lately refused", "SYS_ADMIN",
            ] {
                #expect(policy.contains(text), "\(text)")
            }
            #expect(try await browser.get("/policies/nothing").status == .notFound)
            #expect(try await browser.get("/").text.contains("<h2>Admission</h2>"))
            let findings = try await browser.get("/findings?check=BW-ADM-001").text
            #expect(findings.contains("A pod policy refuses this workload"))
        }
    }

    @Test func hostileNamesAreText() async throws {
        try await admin { browser, _ in
            let name = Fields.encode(SamplePolicies.hostile)
            for path in [
                "/policies", "/policies/\(name)", "/decisions",
                "/decisions?policy=\(name)&user=\(name)&namespace=\(name)",
                "/bindings/new?preview=1&policy=restricted&name=x&subjects=user%3A\(name)", "/", "/findings",
            ] {
                let page = try await browser.get(path)
                #expect(page.status == .ok, "\(path) \(page.status)")
                #expect(!page.text.contains("<script>alert"), "\(path)")
            }
        }
    }

    private struct Filter: Sendable {
        var query: String
        /// What every decision has, and how many there are.
        var count: Int
        var fits: @Sendable (Node) -> Bool
    }

    private static let filters: [Filter] = [
        Filter(query: "", count: 72) { _ in true },
        Filter(query: "action=deny", count: 24) { $0["action"]?.string == "deny" && $0["allowed"]?.bool == false },
        Filter(query: "action=deny&action=error", count: 36) { ["deny", "error"].contains($0["action"]?.string) },
        Filter(query: "namespace=pay", count: 36) { $0["subject"]?["namespace"]?.string == "pay" },
        Filter(query: "policy=default-baseline", count: 24) { $0["policy"]?.string == "default-baseline" },
        Filter(query: "user=alice%40example.org&action=deny", count: 6) { $0["user"]?.string == "alice@example.org" },
        Filter(query: "user=alice", count: 0) { _ in false },
        Filter(query: "serviceAccount=shop/cart&namespace=shop", count: 12) { $0["workload"]?.string == "cart" },
        Filter(query: "text=sys_admin&action=audit", count: 12) { $0["action"]?.string == "audit" },
        Filter(query: "since=1h", count: 3) { _ in true },
        Filter(query: "since=1h&from=2026-01-01", count: 72) { _ in true },
        Filter(query: "until=2026-01-01", count: 0) { _ in false },
    ]

    @Test func filtersAndPagesOfDecisions() async throws {
        try await admin { browser, _ in
            for filter in Self.filters {
                var seen: Set<String> = []
                var next: String? = ""
                while let place = next {
                    let answer = try await browser.get(
                        "/api/v1/decisions?limit=5&\(filter.query)\(place.isEmpty ? "" : "&before=\(place)")")
                    let node = try JSONReader.read(Array(answer.text.utf8), source: "answer").root
                    for item in try #require(node["items"]).elements {
                        #expect(filter.fits(item), "\(filter.query)")
                        seen.insert(item["uid"]?.string ?? "")
                    }
                    next = node["next"]?.string
                }
                #expect(seen.count == filter.count, "\(filter.query)")
                #expect(try await browser.get("/decisions?\(filter.query)").status == .ok)
            }
            for wrong in ["action=maybe", "since=2h", "from=yesterday", "before=1", "before=a.b", "limit=0"] {
                #expect(try await browser.get("/api/v1/decisions?\(wrong)").status == .badRequest, "\(wrong)")
                #expect(try await browser.get("/decisions?\(wrong)").status == .badRequest, "\(wrong)")
            }
            let first = try await browser.get("/decisions?limit=5&action=deny").text
            let link = try #require(
                first.split(separator: "\"").first { $0.hasPrefix("/decisions?") && $0.contains("before=") })
            #expect(link.contains("action=deny") && link.contains("limit=5"))
            let second = try await browser.get(String(link).replacing("&amp;", with: "&"))
            #expect(second.status == .ok && second.text.contains(">Newest<"))
        }
    }

    @Test func bindingShowsFirstWhatItWouldDo() async throws {
        try await admin { browser, console in
            let sample = try #require(console.policies)
            let draft = "policy=restricted&name=new-one&subjects=shop%2Fcart%0D%0Agroup%3Adevs&namespaces=shop%2C+pay"
            let form = try await browser.get("/bindings/new?policy=restricted").text
            #expect(!form.contains("action=\"/bindings\""))
            let preview = try await browser.get("/bindings/new?preview=1&\(draft)").text
            for text in [
                "action=\"/bindings\"", "would be refused", "privileged containers are not allowed", "init-db",
                "spec.securityContext.fsGroup", "2 workloads",
            ] {
                #expect(preview.contains(text), "\(text)")
            }
            let before = sample.current
            let made = try await browser.post(
                "/bindings",
                [
                    "policy": "restricted", "name": "new-one", "subjects": "shop/cart\r\ngroup:devs",
                    "namespaces": "shop, pay",
                ])
            #expect(made.status == .seeOther && made.location.hasPrefix("/policies?done=bound"))
            let added = try #require(sample.current.bindings.last)
            #expect(
                added
                    == BindingDetail(
                        name: "new-one", policy: "restricted",
                        subjects: [.serviceAccount(namespace: "shop", name: "cart"), .group("devs")],
                        namespaces: ["shop", "pay"]))
            #expect(sample.current.askedBy == ["admin"])
            let gone = try await browser.post("/bindings/new-one/remove", [:])
            #expect(gone.location.hasPrefix("/policies?done=unbound"))
            #expect(sample.current.bindings == before.bindings)
            #expect(try await browser.post("/bindings/new-one/remove", [:]).status == .notFound)
            #expect(console.log.text.contains("Bound a pod policy"))
        }
    }

    @Test func badDraftsAreRefusedWithTheForm() async throws {
        try await admin { browser, console in
            let sample = try #require(console.policies)
            let before = sample.current
            let cases:
                [(name: String, policy: String, subjects: String, namespaces: String, status: Int, text: String)] = [
                    ("", "restricted", "a/b", "", 400, "name"), ("Up", "restricted", "a/b", "", 400, "name"),
                    ("x", "", "a/b", "", 400, "Choose a policy"), ("x", "gone", "a/b", "", 404, "no pod policy gone"),
                    ("x", "restricted", "", "", 400, "for whom"), ("x", "restricted", "nobody", "", 400, "nobody"),
                    ("x", "restricted", "user:", "", 400, "nobody"), ("x", "restricted", "a/b/c", "", 400, "nobody"),
                    ("x", "restricted", "a/b", "Not_One", 400, "namespace"),
                    ("devs", "restricted", "a/b", "", 409, "already"),
                    ("x", "restricted", "user:forbidden", "", 403, "may not use"),
                ]
            for draft in cases {
                let answer = try await browser.post(
                    "/bindings",
                    [
                        "name": draft.name, "policy": draft.policy, "subjects": draft.subjects,
                        "namespaces": draft.namespaces,
                    ])
                #expect(answer.status.code == draft.status, "\(draft)")
                #expect(answer.text.contains(draft.text) && answer.text.contains("role=\"alert\""), "\(draft)")
            }
            let preview = try await browser.get(
                "/bindings/new?preview=1&policy=restricted&name=x&subjects=user%3Aunreachable")
            #expect(preview.status == .serviceUnavailable && preview.text.contains("does not answer"))
            #expect(sample.current == before)
        }
    }

    @Test func switchesSwitch() async throws {
        try await admin { browser, console in
            let sample = try #require(console.policies)
            _ = try await browser.post("/policies/restricted/switch", ["enabled": "false"])
            #expect(sample.current.policies.first { $0.name == "restricted" }?.isEnabled == false)
            let back = try await browser.post("/policies/restricted/switch", ["enabled": "true", "back": "policy"])
            #expect(back.location == "/policies/restricted?done=policyOn")
            #expect(sample.current.policies.first { $0.name == "restricted" }?.isEnabled == true)
            _ = try await browser.post("/admission/namespaces", ["enabled": "false", "namespace": "lab"])
            _ = try await browser.post("/admission/namespaces", ["enabled": "true", "namespace": "sandbox"])
            #expect(sample.current.state.disabledNamespaces == ["lab"])
            _ = try await browser.post("/admission/control", ["enabled": "false"])
            #expect(try await browser.get("/policies").text.contains("every pod is admitted, and nothing is judged"))
            #expect(try await browser.get("/").text.contains("switched off"))
            for wrong in ["", "maybe"] {
                #expect(try await browser.post("/admission/control", ["enabled": wrong]).status == .badRequest)
            }
            let wrong = try await browser.post("/admission/namespaces", ["enabled": "false", "namespace": "A/B"])
            #expect(wrong.status == .badRequest)
            #expect(try await browser.post("/policies/gone/switch", ["enabled": "true"]).status == .notFound)
            sample.change { $0.state.waitsFor = "PodPolicy is not synced" }
            #expect(try await browser.get("/policies").text.contains("PodPolicy is not synced"))
        }
    }

    @Test(
        arguments: [
            ("shop/cart", BindingSubject.serviceAccount(namespace: "shop", name: "cart")),
            ("serviceaccount:shop/cart", .serviceAccount(namespace: "shop", name: "cart")),
            ("user:system:node:a", .user("system:node:a")), ("group:a/b", .group("a/b")), ("user:", nil), ("cart", nil),
            ("a/", nil), ("x:a/b", nil), ("", nil),
        ] as [(String, BindingSubject?)])
    func subjectsAreReadAsWritten(_ text: String, _ expected: BindingSubject?) {
        #expect(BindingSubject(text) == expected)
        if let expected { #expect(BindingSubject(expected.text) == expected) }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Store
import Testing

@testable import Console

struct PagesTests {
    /// Follows every link from the overview on. No link is dead, no form leads nowhere, and nothing that was planted shows.
    @Test(arguments: ["admin", "vera"]) func everyLinkLeadsSomewhere(name: String) async throws {
        let console = try await ConsoleFixture()
        try await console.fill()
        try await console.addViewer()
        _ = try await console.store.ledger.addExemption(
            Exemption(
                owner: "<i>Ada</i>", reason: "\"><script>alert(3)</script>", expiry: console.clock.now + 86_400,
                checks: ["privileged"]), by: "admin")
        let password = name == "admin" ? console.password : ConsoleFixture.viewerPassword
        try await console.test { browser in
            try await browser.logIn(name, password)
            var (waiting, seen): ([String], Set<String>) = (["/"], ["/"])
            var kinds: Set<String> = []
            while let path = waiting.popLast(), seen.count < 700 {
                let answer = try await browser.get(path)
                // A check by another name leads to its page.
                if answer.status == .seeOther, answer.location.hasPrefix("/checks/") { continue }
                #expect(answer.status == .ok, "\(path): \(answer.status)")
                let html = answer.text
                kinds.insert(String(path.prefix { $0 != "?" }))
                #expect(!html.contains(SampleInspection.secret), "\(path)")
                for planted in ["<script>alert", "<img src=x", "<i>Ada"] {
                    #expect(!html.contains(planted), "\(path) shows \(planted)")
                }
                // The quotation mark in the name of a namespace, with its accent apart or not.
                for planted in ["x\"\u{301}", "x\"\u{25cc}"] {
                    #expect(Data(html.utf8).range(of: Data(planted.utf8)) == nil, "\(path) lets a name break out")
                }
                if answer.headers[.contentType]?.hasPrefix("text/html") == true {
                    #expect(html.components(separatedBy: "<script").count == 2, "\(path) has a script of its own")
                }
                for link in Self.values(of: "href", in: html) + Self.values(of: "src", in: html) {
                    let target = String(link.prefix { $0 != "#" })
                    guard target.hasPrefix("/"), seen.insert(target).inserted else { continue }
                    waiting.append(target)
                }
                for action in Self.values(of: "action", in: html) {
                    #expect(RouteTable.all.contains { $0.matches(path: action) }, "\(path) has a form for \(action)")
                }
            }
            // The crawl saw each sort of page.
            for page in [
                "/findings", "/workloads", "/workload", "/checks", "/reports", "/reports/compare", "/exemptions",
            ] {
                #expect(kinds.contains(page), "\(page)")
            }
            #expect(kinds.contains("/accounts") == (name == "admin"))
        }
        #expect(!console.log.text.contains(SampleInspection.secret))
        #expect(!console.log.text.contains("error "))
    }

    /// The values of an attribute, with their entities resolved.
    static func values(of attribute: String, in html: String) -> [String] {
        html.components(separatedBy: " \(attribute)=\"").dropFirst().map { part in
            String(part.prefix { $0 != "\"" }).replacing("&amp;", with: "&").replacing("&#39;", with: "'")
                .replacing("&quot;", with: "\"")
        }
    }

    @Test func everyAnswerHasTheSecurityHeaders() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            let answers = [
                try await browser.get("/"), try await browser.get("/login"), try await browser.get("/nothing"),
                try await browser.get("/static/console.css"), try await browser.get("/api/v1/summary"),
                try await browser.get("/api/v1/nothing"), try await browser.get("/metrics"),
                try await browser.get("/healthz"), try await browser.other().get("/"),
                try await browser.post("/schedule", ["text": "x"], token: "wrong"),
                try await browser.send(.delete, "/"), try await browser.get("/findings?page=x"),
            ]
            for answer in answers {
                let policy = answer.headers[.contentSecurityPolicy] ?? ""
                for part in ["default-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"] {
                    #expect(policy.contains(part))
                }
                #expect(!policy.contains("unsafe"))
                for (name, value) in SecurityHeaders.all { #expect(answer.headers[name] == value, "\(name)") }
                #expect(answer.headers[.server] == nil)
                #expect(
                    answer.headers[.cacheControl]
                        == (answer.headers[.contentType]?.hasPrefix("text/css") == true
                            ? "no-cache" : "no-store"))
            }
        }
    }

    @Test func filesAreKeptByTheirVersion() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            let html = try await browser.get("/login").text
            for link in Self.values(of: "href", in: html) where link.hasPrefix("/static/") {
                let file = try await browser.get(link)
                #expect(file.headers[.cacheControl]?.contains("immutable") == true, "\(link)")
            }
            #expect(try await browser.get("/static/console.css?v=other").headers[.cacheControl] == "no-cache")
            for wrong in ["/static/layout.mustache", "/static/..%2f..%2fetc%2fpasswd", "/static/", "/static/x"] {
                #expect(try await browser.get(wrong).status == .notFound, "\(wrong)")
            }
        }
    }

    @Test func emptyAndWrongStatesHelp() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            for (path, status, words) in [
                ("/", 200, "There is no complete inspection yet"), ("/findings", 200, "Nothing was found yet"),
                ("/workloads", 200, "No workload has open findings here"),
                ("/reports", 200, "There is no report yet"), ("/exemptions", 200, "There are no exemptions"),
                ("/tokens", 200, "There are no tokens"), ("/checks?text=nothing", 200, "No check matches"),
                ("/checks/none", 404, "There is no check none"), ("/reports/7", 404, "There is no report 7"),
                ("/workload?kind=Pod&name=x", 404, "Nothing is known about Pod x"),
                ("/accounts/7", 404, "There is no such account"), ("/reports/compare", 400, "Name the two reports"),
                ("/findings?severity=worst", 400, "A severity is critical"),
                ("/nowhere", 404, "nothing at this address"),
                ("/schedule?text=nonsense", 200, "five fields"),
            ] {
                let answer = try await browser.get(path)
                #expect(answer.status.code == status, "\(path)")
                #expect(answer.text.contains(words), "\(path)")
                // The way on is there too.
                #expect(answer.text.contains("href=\"/findings\""), "\(path)")
            }
            let method = try await browser.send(.delete, "/findings")
            #expect(method.status == .methodNotAllowed && method.headers[.allow] == "GET")
            try await console.fill()
            // That took a day.
            try await browser.logIn("admin", console.password)
            #expect(try await browser.get("/findings?text=nothingatall").text.contains("No finding matches"))
            #expect(try await browser.get("/checks/privileged").location == "/checks/BW-PRIV-003")
        }
    }

    @Test func formsKeepWhatWasTyped() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            let exemption = try await browser.post(
                "/exemptions",
                ["owner": "Ada", "reason": "my <reason>", "expiry": "2020-01-01", "checks": "privileged"])
            #expect(exemption.status == .badRequest)
            #expect(exemption.text.contains("value=\"my &lt;reason&gt;\""))
            #expect(exemption.text.contains("expiry"))
            let schedule = try await browser.post("/schedule", ["text": "every day"])
            #expect(schedule.status == .badRequest && schedule.text.contains("value=\"every day\""))
            #expect(await console.control.schedule().text == "0 * * * *")
            let back = try await browser.post(
                "/exemptions",
                [
                    "owner": "Ada", "reason": "r", "expiry": "2027-01-01", "checks": "privileged",
                    "back": "https://evil.example/workload?",
                ])
            #expect(back.location == "/exemptions?done=exempted")
        }
    }

    /// Only the console's own words are shown as a notice.
    @Test func noticesCannotBeForged() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            #expect(try await browser.get("/?done=password").text.contains("class=\"notice\""))
            #expect(!(try await browser.get("/?done=Call+this+number").text.contains("class=\"notice\"")))
        }
    }

    @Test func failuresOfTheStoreTellNothing() async throws {
        let console = try await ConsoleFixture()
        let secret = try await console.server.parts.tokens.make(
            name: "t", role: .viewer, days: 1, by: try #require(try await console.server.accounts.list().first),
            now: console.clock.now
        ).secret
        try await console.test { browser in
            try console.store.close()
            let answer = try await browser.send(
                .get, "/api/v1/summary", headers: [.authorization: "Bearer \(secret)"])
            #expect([500, 503].contains(answer.status.code))
            #expect(!answer.text.contains("SQL") && !answer.text.contains("SELECT"))
            let ready = try await browser.get("/readyz")
            #expect(ready.status == .serviceUnavailable && ready.text.contains("waiting store"))
            #expect(try await browser.get("/healthz").status == .ok)
        }
    }
}

struct HealthTests {
    @Test func readinessNamesWhatItWaitsFor() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            #expect(try await browser.get("/readyz").text == "ok informers\nok store\nready\n")
            console.control.setReady(false)
            let waiting = try await browser.get("/readyz")
            #expect(waiting.status == .serviceUnavailable)
            #expect(waiting.text == "waiting informers: Pod is not synced\nok store\nnot ready\n")
        }
    }

    @Test func metricsAreWellFormedAndNameNothing() async throws {
        let console = try await ConsoleFixture()
        try await console.fill()
        try await console.test { browser in
            _ = try await browser.get("/nothing")
            _ = try await browser.get("/static/console.css")
            let answer = try await browser.get("/metrics")
            #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
            let lines = answer.text.split(separator: "\n")
            var typed: Set<Substring> = []
            for line in lines {
                if line.hasPrefix("# TYPE ") { typed.insert(line.split(separator: " ")[2]) }
                guard !line.hasPrefix("#") else { continue }
                let name = line.prefix { $0 != "{" && $0 != " " }
                let family = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }
                #expect(typed.contains(name) || typed.contains(name.dropLast(family?.count ?? 0)), "\(line)")
                #expect(Double(line.split(separator: " ").last ?? "") != nil, "\(line)")
            }
            let open = try await console.store.ledger.counts(.open)
            let high = open.bySeverity[.high] ?? 0
            #expect(answer.text.contains("bulwark_findings{severity=\"high\",status=\"new\"} \(high)\n"))
            #expect(answer.text.contains("route=\"/static/{file}\",status=\"200\"} 1\n"))
            #expect(answer.text.contains("route=\"NotFound\",status=\"404\"} 1\n"))
            #expect(answer.text.contains("bulwark_inspection_duration_seconds_count 4\n"))
            for name in ["thumbnails", "shop", "debug-shell", SampleInspection.secret, "admin"] {
                #expect(!answer.text.contains(name), "\(name)")
            }
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Store
import TestSupport
import Testing

@testable import Console

extension BrowserTests {
    @Test func logsInAndOut() async throws {
        try await browse { chromium, base, console in
            try await chromium.open(base + "/findings?state=all")
            try await chromium.type("admin", into: "#name")
            try await chromium.type("not the password", into: "#password")
            try await chromium.click("form button")
            try await chromium.wait(until: "document.querySelector('.problem')")
            #expect(try await chromium.text(".problem") == "The name or the password is wrong.")
            try await chromium.type(console.password, into: "#password")
            try await chromium.click("form button")
            try await chromium.wait(until: "location.pathname === '/findings'")
            #expect(try await chromium.address() == base + "/findings?state=all")
            // No script may read the session.
            #expect(try await chromium.script("return document.cookie") == "")
            try await chromium.click(".side .person button")
            try await chromium.wait(until: "location.pathname === '/login'")
            try await chromium.open(base + "/findings")
            #expect(try await chromium.address() == base + "/login?next=%2Ffindings")
        }
    }

    @Test func filtersStandInTheAddress() async throws {
        try await browse { chromium, base, console in
            try await console.fill()
            try await logIn(chromium, base, console)
            try await chromium.open(base + "/findings")
            let all = try await chromium.text(".head p")
            try await chromium.choose("critical", in: "#f-severity")
            try await chromium.wait(until: "location.search.includes('severity=critical')")
            try await chromium.wait(until: "document.querySelectorAll('tbody tr').length > 0")
            #expect(try await chromium.text(".head p") != all)
            #expect(
                try await chromium.holds(
                    "[...document.querySelectorAll('td .v5, td:first-child .mark')].every(m => m.textContent === 'critical')"
                ))
            try await chromium.choose("shop", in: "#f-namespace")
            try await chromium.wait(until: "location.search.includes('namespace=shop')")
            #expect(try await chromium.holds("location.search.includes('severity=critical')"))
            // Empty fields stay out of the address.
            #expect(try await chromium.holds("!location.search.includes('kind=')"))
            try await chromium.type("runtime", into: "#f-text")
            try await chromium.click("form[data-filter] button")
            try await chromium.wait(until: "location.search.includes('text=runtime')")
            #expect(try await chromium.text("tbody a") == "Socket of the container runtime is mounted")
            try await chromium.click("tbody a")
            try await chromium.wait(until: "location.pathname === '/workload'")
            #expect(try await chromium.text("h1") == "Deployment thumbnails")
            #expect(try await chromium.holds("document.querySelector('article:target')"))
        }
    }

    @Test func exemptsAndTakesBack() async throws {
        try await browse { chromium, base, console in
            try await console.fill()
            try await logIn(chromium, base, console)
            var filter = FindingFilter.open
            filter.checks = ["BW-PRIV-003"]
            filter.namespaces = ["shop"]
            let finding = try #require(try await console.store.ledger.findings(filter, limit: 1).findings.first)
            let article = "[id='\(finding.fingerprint)']"
            try await chromium.open(base + "/workload?\(finding.subject.query)")
            try await chromium.click("\(article) .acts form:first-child button")
            try await chromium.wait(until: "document.querySelector('.notice')")
            #expect(try await chromium.text("\(article) .mark") == "in progress")
            try await chromium.click("\(article) summary")
            try await chromium.type("Needed <b>until</b> the migration", into: "[id='reason-\(finding.fingerprint)']")
            try await chromium.click("\(article) .exempt button")
            try await chromium.wait(until: "location.search.includes('done=exempted')")
            #expect(try await chromium.text("\(article) .mark") == "suppressed")
            #expect(try await chromium.text("\(article) .seen").contains("Needed <b>until</b> the migration (admin)"))
            #expect(try await console.store.ledger.finding(finding.fingerprint)?.status == .suppressed)
            try await chromium.open(base + "/exemptions")
            #expect(try await chromium.text("tbody").contains("Needed <b>until</b> the migration"))
            try await chromium.click("tbody button.danger")
            try await chromium.acceptDialog()
            try await chromium.wait(until: "location.search.includes('done=unexempted')")
            #expect(try await console.store.ledger.finding(finding.fingerprint)?.status == .inProgress)
        }
    }

    @Test func inspectsNowWithProgress() async throws {
        try await browse(pace: .milliseconds(80)) { chromium, base, console in
            try await logIn(chromium, base, console)
            #expect(try await chromium.text(".empty strong") == "There is no complete inspection yet")
            try await chromium.click(".head button")
            try await chromium.wait(until: "document.querySelector('[data-words]')?.textContent.startsWith('Judging')")
            #expect(try await chromium.holds("document.querySelector('.head button').disabled"))
            let first = Int(try await chromium.script("return document.querySelector('progress').value")) ?? 0
            try await chromium.wait(until: "document.querySelector('progress').value > \(first)")
            try await picture(chromium, "overview-running")
            try await chromium.wait(until: "document.querySelector('.ring')", seconds: 40)
            #expect(try await chromium.holds("!document.querySelector('progress')"))
            #expect(try await console.store.ledger.reports().first?.state == .complete)
        }
    }

    @Test func comparesReports() async throws {
        try await browse { chromium, base, console in
            try await console.fill()
            try await logIn(chromium, base, console)
            try await chromium.open(base + "/reports")
            // The last two are chosen already.
            try await chromium.click(".head button")
            try await chromium.wait(until: "location.pathname === '/reports/compare'")
            #expect(
                try await chromium.holds("location.search.includes('before=3') && location.search.includes('after=4')"))
            #expect(try await chromium.text("#worse .empty") == "Nothing got worse")
            #expect(try await chromium.text("#better tbody").contains("redis"))
            try await chromium.open(base + "/reports/compare?before=1&after=3")
            #expect(try await chromium.text("#worse tbody").contains("debug-shell"))
            #expect(try await chromium.text("#worse tbody").contains("log-agent"))
        }
    }

    @Test func managesAccountsAndTokens() async throws {
        try await browse { chromium, base, console in
            try await logIn(chromium, base, console)
            try await chromium.open(base + "/accounts")
            try await chromium.type("vera", into: "#a-name")
            try await chromium.type(ConsoleFixture.viewerPassword, into: "#a-password")
            try await chromium.click("form[action='/accounts'] button")
            try await chromium.wait(until: "document.querySelector('.notice')")
            #expect(try await chromium.text("tbody").contains("vera"))
            try await chromium.open(base + "/tokens")
            try await chromium.type("ci", into: "#t-name")
            try await chromium.click("form[action='/tokens'] button")
            try await chromium.wait(until: "document.querySelector('.secret')")
            let secret = try await chromium.text(".secret")
            #expect(secret.hasPrefix(Tokens.prefix))
            try await picture(chromium, "token-made")
            try await chromium.open(base + "/tokens")
            #expect(try await chromium.holds("!document.body.textContent.includes('\(secret)')"))
            try await chromium.click(".side .person button")
            try await chromium.wait(until: "location.pathname === '/login'")
            try await chromium.type("vera", into: "#name")
            try await chromium.type(ConsoleFixture.viewerPassword, into: "#password")
            try await chromium.click("form button")
            try await chromium.wait(until: "document.querySelector('h1')?.textContent === 'Overview'")
            #expect(try await chromium.holds("!document.body.textContent.includes('Inspect now')"))
            #expect(try await chromium.holds("!document.querySelector(\"a[href='/accounts']\")"))
            try await chromium.open(base + "/accounts")
            #expect(try await chromium.text("h1") == "Not allowed")
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Logging
import ServiceLifecycle
import Store
import Testing
import TestSupport

@testable import Console

/// The real server over TLS, in a real browser.
@Suite(.serialized, .enabled(if: Chromium.isInstalled, "Chromium is not installed"), .timeLimit(.minutes(5)))
struct BrowserTests {
    /// Runs the server and a browser around `body`, which gets the console's address.
    func browse(
        pace: Duration = .milliseconds(60), _ body: @Sendable (Chromium, String, ConsoleFixture) async throws -> Void
    ) async throws {
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let console = try await ConsoleFixture(
            configuration: {
                // Filling the ledger moves the clock by days.
                $0.sessionIdle = 90 * 86_400
                $0.sessionLifetime = 90 * 86_400
            }, pace: pace, policies: SamplePolicies(), constraints: SampleConstraints(), images: SampleImages(),
            onRunning: { found.yield($0) })
        let quiet = Logger(label: "group") { _ in SwiftLogNoOpLogHandler() }
        let group = ServiceGroup(configuration: .init(services: [console.server], logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            let chromium = try await Chromium(folder: console.folder.path)
            do {
                try await body(chromium, "https://127.0.0.1:\(port)", console)
            } catch {
                await chromium.quit()
                await group.triggerGracefulShutdown()
                throw error
            }
            await chromium.quit()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    func logIn(_ chromium: Chromium, _ base: String, _ console: ConsoleFixture) async throws {
        try await chromium.open(base + "/")
        try await chromium.type("admin", into: "#name")
        try await chromium.type(console.password, into: "#password")
        try await chromium.click("form button")
        try await chromium.wait(until: "document.querySelector('h1')?.textContent === 'Overview'")
    }

    /// Every page in two sizes and in both schemes, kept as pictures; none is wider than the window.
    @Test func pagesFitTheirWindows() async throws {
        try await browse { chromium, base, console in
            try await chromium.resize(width: 1280, height: 900)
            try await chromium.open(base + "/")
            try await picture(chromium, "login")
            try await logIn(chromium, base, console)
            try await picture(chromium, "overview-empty")
            try await chromium.open(base + "/findings")
            try await picture(chromium, "findings-empty")
            try await console.fill()
            try await console.fillDecisions()
            try await console.fillViolations()
            try await console.addViewer()
            let exemption = try await console.store.ledger.addExemption(
                Exemption(
                    owner: "Ada", reason: "Debug shells are removed by the end of the quarter",
                    expiry: console.clock.now + 40 * 86_400, checks: ["BW-HOST-001"], namespace: "shop"), by: "admin")
            _ = try await console.server.parts.tokens.make(
                name: "ci", role: .viewer, days: 90,
                by: try #require(try await console.server.accounts.list().first), now: console.clock.now)
            var deployment = FindingFilter.open
            deployment.kinds = ["Deployment"]
            let some = try #require(try await console.store.ledger.findings(deployment, limit: 1).findings.first)
            #expect(!exemption.id.isEmpty)
            let named = try await console.store.ledger.findings(Self.hostile, limit: 1).findings.first
            let hostile = try #require(named).subject
            let pages =
                [
                    ("overview", "/"), ("findings", "/findings"), ("findings-none", "/findings?text=nothingatall"),
                    ("workloads", "/workloads"), ("workload", "/workload?\(some.subject.query)"), ("checks", "/checks"),
                    ("check", "/checks/\(some.checkID)"), ("reports", "/reports"), ("report", "/reports/4"),
                    ("compare", "/reports/compare?before=1&after=4"), ("exemptions", "/exemptions"),
                    ("schedule", "/schedule?text=0+2+*+*+*"), ("accounts", "/accounts"),
                    ("account-edit", "/accounts/2"),
                    ("account", "/account"), ("tokens", "/tokens"), ("missing", "/nothing/here"),
                    ("hostile", "/workload?\(hostile.query)"), ("policies", "/policies"),
                    ("policy", "/policies/restricted"),
                    ("policy-hostile", "/policies/\(Fields.encode(SamplePolicies.hostile))"),
                    ("decisions", "/decisions?since=24h"), ("bind", "/bindings/new"),
                    ("bind-preview", "/bindings/new?preview=1&policy=restricted&name=shop-cart&subjects=shop%2Fcart"),
                    ("decisions-none", "/decisions?text=nothingatall"), ("constraints", "/constraints"),
                    ("constraint", "/constraints/K8sAllowedRepos/shop-repos"),
                    ("constraint-hostile", "/constraints/Hostile/\(Fields.encode(SampleConstraints.hostile))"),
                ] + Self.imagePages
            for (name, path) in pages {
                try await chromium.open(base + path)
                #expect(try await chromium.address() == base + path)
                try await picture(chromium, name)
            }
        }
    }

    private static let imagePages: [(String, String)] = {
        let (cart, payments) = (SampleImages.cart, SampleImages.payments)
        let paths = [
            ("images", "/images?past=true"), ("images-none", "/images?text=nothingatall"), ("image", "/images/\(cart)"),
            ("image-bad", "/images/\(payments)"), ("image-failed", "/images/\(SampleImages.failing)"),
            ("image-waiting", "/images/\(SampleImages.waiting)"), ("image-hostile", "/images/\(SampleImages.evil)"),
            ("image-vulnerabilities", "/images/\(cart)/vulnerabilities?severity=low"),
            ("image-packages", "/images/\(cart)/packages"), ("image-layers", "/images/\(cart)/layers"),
            ("vulnerabilities", "/vulnerabilities"), ("vulnerability", "/vulnerabilities/CVE-2024-5535"),
            ("vulnerability-hostile", "/vulnerabilities/\(Fields.encode(SampleImages.hostileID))"),
            ("workload-images", "/workload?kind=Deployment&namespace=shop&name=thumbnails"),
        ]
        // As the browser shows an address.
        return paths
    }()

    private static let hostile: FindingFilter = {
        var filter = FindingFilter()
        filter.name = "<script>*"
        return filter
    }()

    func picture(_ chromium: Chromium, _ name: String) async throws {
        let folder = FileManager.default.currentDirectoryPath + "/artifacts/screens"
        for (width, height) in [(1280, 900), (400, 800)] {
            try await chromium.resize(width: width, height: height)
            let wide = try await chromium.script("return document.documentElement.scrollWidth")
            #expect(Int(wide) ?? .max <= width, "\(name) is \(wide) wide in a window of \(width)")
            try await chromium.screenshot(to: "\(folder)/\(name)-\(width).png")
        }
        try await chromium.resize(width: 1280, height: 900)
        try await chromium.useDarkScheme(true)
        try await chromium.screenshot(to: "\(folder)/\(name)-dark-1280.png")
        try await chromium.useDarkScheme(false)
        #expect(try await chromium.holds("!document.querySelector('main script, main [onerror], main [onfocus]')"))
        #expect(try await chromium.holds("!document.documentElement.innerHTML.includes('\(SampleInspection.secret)')"))
    }
}

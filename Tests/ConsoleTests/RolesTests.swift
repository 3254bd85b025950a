// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Store
import Testing

@testable import Console

/// Every route of the table, asked by everybody.
struct RolesTests {
    /// What must not change when a viewer tries: everything that a route could change.
    private struct Everything: Equatable {
        var ledger: UInt64
        var accounts: [Account]
        var tokens: [String]
        var schedule: String
        var inspection: Int64?
        var policies: SamplePolicies.State?
        var rescans: [String]
    }

    private func everything(_ console: ConsoleFixture) async throws -> Everything {
        Everything(
            ledger: console.store.ledgerVersion, accounts: try await console.server.accounts.list(),
            tokens: try await console.server.parts.tokens.list().map { "\($0.id) \($0.revoked ?? 0)" },
            schedule: await console.control.schedule().text, inspection: await console.control.progress().started,
            policies: console.policies?.current, rescans: console.images?.rescans ?? [])
    }

    /// The route's path with something in the place of each parameter.
    static func path(_ route: Route) -> String {
        route.path.replacing("{fingerprint}", with: String(repeating: "0", count: 32))
            .replacing("{file}", with: "console.css").replacing("{id}", with: "1")
            .replacing("{digest}", with: SampleImages.cart).replacing("{format}", with: "spdx")
            .replacing("{name}", with: "restricted")
    }

    private func send(_ route: Route, _ browser: Browser, token: String? = nil, headers: HTTPFields = [:]) async throws
        -> TestResponse
    {
        var headers = headers
        if route.isSafe { return try await browser.send(route.method, Self.path(route), headers: headers) }
        headers[.contentType] = route.isAPI ? "application/json" : "application/x-www-form-urlencoded"
        if let token { headers[Gate.formTokenHeader] = token }
        return try await browser.send(
            route.method, Self.path(route), headers: headers, body: route.isAPI ? "{}" : "nothing=1")
    }

    @Test func nobodyGetsNothingButTheOpenRoutes() async throws {
        let console = try await ConsoleFixture(policies: SamplePolicies(), images: SampleImages())
        try await console.test { browser in
            for route in RouteTable.all {
                let answer = try await send(route, browser.other())
                if route.access == .open {
                    #expect(answer.status != .unauthorized && !answer.location.hasPrefix("/login"), "\(route.path)")
                } else if route.isAPI {
                    #expect(answer.status == .unauthorized, "\(route.method) \(route.path)")
                    #expect(answer.headers[.wwwAuthenticate] == "Bearer")
                    #expect(answer.text.contains(#""code":"unauthenticated""#))
                } else {
                    #expect(answer.status == .seeOther, "\(route.method) \(route.path)")
                    #expect(answer.location.hasPrefix("/login"), "\(route.method) \(route.path)")
                }
            }
        }
    }

    @Test func openRoutesAreTheseAlone() {
        let open = RouteTable.all.filter { $0.access == .open }.map { "\($0.method.rawValue) \($0.path)" }
        #expect(
            Set(open) == [
                "GET /static/{file}", "GET /login", "POST /login", "GET /api/v1/openapi.json", "GET /healthz",
                "GET /readyz", "GET /metrics",
            ])
        let own = RouteTable.all.filter { $0.access == .own }.map { "\($0.method.rawValue) \($0.path)" }
        #expect(Set(own) == ["POST /logout", "POST /account/password"])
        for route in RouteTable.all where !route.isSafe {
            #expect(route.access == .administrator || route.access == .own || route.path == "/login", "\(route.path)")
        }
    }

    @Test(arguments: [true, false]) func viewersChangeNothing(byToken: Bool) async throws {
        let console = try await ConsoleFixture(policies: SamplePolicies(), images: SampleImages())
        try await console.fill()
        try await console.addViewer()
        let viewer = try #require(try await console.server.accounts.list().first { $0.name == "vera" })
        let secret = try await console.server.parts.tokens.make(
            name: "v", role: .viewer, days: 1, by: viewer, now: console.clock.now
        ).secret
        try await console.test { browser in
            var token: String?
            var headers: HTTPFields = [:]
            if byToken {
                headers[.authorization] = "Bearer \(secret)"
            } else {
                try await browser.logIn("vera", ConsoleFixture.viewerPassword)
                token = try await browser.formToken(on: "/account")
            }
            let before = try await everything(console)
            for route in RouteTable.all where route.access != .own && route.path != "/login" {
                if byToken, !route.isAPI { continue }
                let answer = try await send(route, browser, token: token, headers: headers)
                if route.access == .administrator {
                    #expect(answer.status == .forbidden, "\(route.method) \(route.path): \(answer.status)")
                } else {
                    #expect(
                        ![.forbidden, .unauthorized, .internalServerError].contains(answer.status),
                        "\(route.method) \(route.path): \(answer.status)")
                    #expect(!answer.location.hasPrefix("/login"), "\(route.path)")
                }
            }
            let after = try await everything(console)
            #expect(after == before)
        }
    }

    /// A token opens the API alone, also an administrator's.
    @Test func tokensOpenNoPages() async throws {
        let console = try await ConsoleFixture(policies: SamplePolicies(), images: SampleImages())
        let admin = try #require(try await console.server.accounts.list().first)
        let secret = try await console.server.parts.tokens.make(
            name: "a", role: .administrator, days: 1, by: admin, now: console.clock.now
        ).secret
        try await console.test { browser in
            for route in RouteTable.pages where route.access != .open {
                let answer = try await send(route, browser, headers: [.authorization: "Bearer \(secret)"])
                #expect(answer.location.hasPrefix("/login"), "\(route.method) \(route.path)")
            }
        }
    }

    @Test func everyChangeNeedsItsFormToken() async throws {
        let console = try await ConsoleFixture(policies: SamplePolicies(), images: SampleImages())
        try await console.fill()
        try await console.addViewer()
        try await console.test { browser in
            let other = browser.other()
            try await browser.logIn("admin", console.password)
            try await other.logIn("vera", ConsoleFixture.viewerPassword)
            let foreign = try await other.formToken(on: "/account")
            let before = try await everything(console)
            for route in RouteTable.all where !route.isSafe && route.path != "/login" {
                for token in [nil, "", "0", foreign, String(repeating: "0", count: 64)] {
                    let answer = try await send(route, browser, token: token)
                    #expect(answer.status == .forbidden, "\(route.method) \(route.path) \(token ?? "-")")
                }
            }
            #expect(try await everything(console) == before)
            // The session is still there: it was not logged out.
            #expect(try await browser.get("/").status == .ok)
            let missing = try await browser.json(.put, "/api/v1/schedule", #"{"schedule":""}"#)
            #expect(missing.text.contains(#""code":"staleForm""#))
            let right = try await browser.json(
                .put, "/api/v1/schedule", #"{"schedule":""}"#,
                headers: [Gate.formTokenHeader: try await browser.formToken(on: "/account")])
            #expect(right.status == .ok)
        }
    }

    /// The log-in has its own token, for nobody is logged in.
    @Test func logInNeedsItsFormToken() async throws {
        let console = try await ConsoleFixture(policies: SamplePolicies(), images: SampleImages())
        try await console.test { browser in
            let fields: KeyValuePairs = ["name": "admin", "password": console.password]
            #expect(try await browser.post("/login", fields, token: "").status == .forbidden)
            let other = browser.other()
            let foreign = try await other.formToken(on: "/login")
            _ = try await browser.get("/login")
            #expect(try await browser.post("/login", fields, token: foreign).status == .forbidden)
            #expect(browser.session == nil)
            #expect(try await browser.post("/login", fields, page: "/login").status == .seeOther)
        }
    }
}

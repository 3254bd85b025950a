// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Store
import TestSupport
import Testing

@testable import Console

struct SessionTests {
    @Test func endsWhenIdle() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            for _ in 0..<5 {
                console.clock.advance(29 * 60)
                #expect(try await browser.get("/account").status == .ok)
            }
            console.clock.advance(30 * 60)
            #expect(try await browser.get("/account").location.hasPrefix("/login"))
            // And it does not come back when the clock does.
            console.clock.advance(-30 * 60)
            #expect(try await browser.get("/account").location.hasPrefix("/login"))
        }
    }

    @Test func endsAtItsLatest() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            for _ in 0..<35 {
                console.clock.advance(20 * 60)
                #expect(try await browser.get("/account").status == .ok)
            }
            console.clock.advance(20 * 60)
            #expect(try await browser.get("/account").location.hasPrefix("/login"))
        }
    }

    @Test func logOutEndsItOnTheServer() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            let kept = browser.session
            let answer = try await browser.post("/logout", [:])
            #expect(answer.location == "/login")
            #expect(browser.session == nil)
            browser.session = kept
            #expect(try await browser.get("/").location == "/login")
        }
    }

    @Test func logInRotates() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            // A secret that somebody planted in the browser before is not taken over.
            let planted = String(repeating: "a", count: 64)
            browser.session = planted
            try await browser.logIn("admin", console.password)
            let first = try #require(browser.session)
            #expect(first != planted)
            // Logging in again while logged in ends the first session.
            let again = browser.other()
            let token = try await again.formToken(on: "/login")
            again.session = first
            let answer = try await again.send(
                .post, "/login",
                headers: [
                    .contentType: "application/x-www-form-urlencoded",
                    Gate.formTokenHeader: try await browser.formToken(on: "/account"),
                ], body: "name=admin&password=\(console.password)&csrf=\(token)")
            #expect(answer.status == .seeOther)
            #expect(again.session != first)
            #expect(try await again.get("/").status == .ok)
            #expect(try await browser.get("/").location == "/login")
        }
    }

    @Test func storeKeepsNoSecrets() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            let made = try await browser.post("/tokens", ["name": "ci", "role": "viewer", "days": "3"])
            let start = try #require(made.text.range(of: Tokens.prefix))
            let secret = String(made.text[start.lowerBound...].prefix(68))
            #expect(!(try await browser.get("/tokens").text.contains(secret)))
            let session = try #require(browser.session)
            for name in ["bulwark.db", "bulwark.db-wal"] {
                let data = try Data(contentsOf: URL(filePath: console.folder.path + "/" + name))
                for text in [secret, String(secret.dropFirst(4)), session, console.password] {
                    #expect(data.range(of: Data(text.utf8)) == nil, "\(name)")
                }
            }
            for text in [secret, session, console.password] { #expect(!console.log.text.contains(text)) }
        }
    }

    @Test func changesOfTheAccountEndItsSessions() async throws {
        let console = try await ConsoleFixture()
        try await console.addViewer()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            let id = try #require(try await console.server.accounts.list().first { $0.name == "vera" }).id
            let new = "another password 2"
            let changes: [(String, KeyValuePairs<String, String>)] = [
                ("/accounts/\(id)/role", ["role": "viewer"]), ("/accounts/\(id)/password", ["password": new]),
                ("/accounts/\(id)/remove", [:]),
            ]
            for (index, (path, fields)) in changes.enumerated() {
                let vera = browser.other()
                try await vera.logIn("vera", index < 2 ? ConsoleFixture.viewerPassword : new)
                #expect(try await vera.get("/").status == .ok, "\(path)")
                #expect(try await browser.post(path, fields).status == .seeOther)
                #expect(try await vera.get("/").location == "/login", "\(path)")
            }
        }
    }

    @Test func ownPasswordNeedsTheOldOne() async throws {
        let console = try await ConsoleFixture()
        try await console.addViewer()
        let old = ConsoleFixture.viewerPassword
        try await console.test { browser in
            try await browser.logIn("vera", old)
            let elsewhere = browser.other()
            try await elsewhere.logIn("vera", old)
            let path = "/account/password"
            let wrong = try await browser.post(
                path, ["old": "wrong", "password": "a new password", "again": "a new password"])
            #expect(wrong.status == .badRequest && wrong.text.contains("The old password is wrong"))
            let differ = try await browser.post(
                path, ["old": old, "password": "a new password", "again": "another password"])
            #expect(differ.text.contains("differ"))
            let short = try await browser.post(path, ["old": old, "password": "short", "again": "short"])
            #expect(short.text.contains("12 to 256"))
            let right = try await browser.post(
                path, ["old": old, "password": "a new password", "again": "a new password"])
            #expect(right.location == "/account?done=password")
            #expect(try await browser.get("/").status == .ok)
            #expect(try await elsewhere.get("/").location == "/login")
            #expect(try await browser.other().logIn("vera", old).status == .unauthorized)
            #expect(try await browser.other().logIn("vera", "a new password").status == .seeOther)
        }
    }

    @Test func lastAdministratorStays() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            #expect(try await browser.post("/accounts/1/remove", [:]).status == .conflict)
            #expect(try await browser.post("/accounts/1/role", ["role": "viewer"]).status == .conflict)
            let added = try await browser.post(
                "/accounts", ["name": "ada", "role": "administrator", "password": "ada's own password"])
            #expect(added.status == .seeOther)
            #expect(try await browser.post("/accounts/1/role", ["role": "viewer"]).status == .seeOther)
        }
        #expect(try await console.server.accounts.list().map(\.role) == [.administrator, .viewer])
    }

    @Test(arguments: [
        ("", "twelve chars!", "1 to 64"), ("a b", "twelve chars!", "1 to 64"), ("bob", "short", "12 to 256"),
        ("ADMIN", "twelve chars!", "already"), ("b\u{301}", "twelve chars!", "1 to 64"),
    ])
    func refusesAccounts(name: String, password: String, problem: String) async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            let answer = try await browser.post("/accounts", ["name": name, "role": "viewer", "password": password])
            #expect(answer.status.kind == .clientError)
            #expect(answer.text.contains(problem))
            #expect(!answer.text.contains(password))
        }
        #expect(try await console.server.accounts.list().count == 1)
    }
}

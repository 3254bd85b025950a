// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import Console

struct LoginTests {
    @Test func firstAdministratorGetsIn() async throws {
        let console = try await ConsoleFixture()
        try await console.fill()
        try await console.test { browser in
            let before = try await browser.get("/findings?severity=high")
            #expect(before.status == .seeOther)
            #expect(before.location == "/login?next=%2Ffindings%3Fseverity%3Dhigh")
            let answer = try await browser.post(
                "/login", ["name": "ADMIN", "password": console.password, "next": "/findings?severity=high"],
                page: before.location)
            #expect(answer.status == .seeOther)
            #expect(answer.location == "/findings?severity=high")
            let cookie = answer.headers[values: .setCookie].first { $0.hasPrefix(Sessions.cookieName) } ?? ""
            for part in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] { #expect(cookie.contains(part)) }
            #expect(try await browser.get("/").status == .ok)
            #expect(try await browser.get("/findings").text.contains("Findings"))
        }
        #expect(!console.log.text.contains(console.password))
    }
}

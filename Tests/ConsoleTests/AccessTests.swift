// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Store
import Testing

@testable import Console

struct PasswordHasherTests {
    private let small = PasswordHasher.Parameters(cost: 4, blockSize: 8, parallelism: 1)

    @Test func defaultIsMemoryHard() async throws {
        let hasher = PasswordHasher()
        let hash = try await hasher.hash("correct horse")
        #expect(hash.hasPrefix("scrypt$15$8$1$"))
        #expect(try await hasher.verify("correct horse", stored: hash))
        #expect(try await !hasher.verify("correct horsf", stored: hash))
    }

    @Test func saltsDiffer() async throws {
        let hasher = PasswordHasher(parameters: small)
        #expect(try await hasher.hash("same") != hasher.hash("same"))
    }

    /// A hash of other parameters is still checked with its own.
    @Test func oldParametersStillServe() async throws {
        let old = try await PasswordHasher(parameters: .init(cost: 3, blockSize: 4, parallelism: 2)).hash("old")
        #expect(try await PasswordHasher(parameters: small).verify("old", stored: old))
    }

    @Test(arguments: [
        nil, "", "scrypt", "plain$1$8$1$00$00", "scrypt$63$8$1$00$00", "scrypt$4$8$1$zz$00",
        "scrypt$4$8$1$00112233445566778899aabbccddeeff$00",
    ])
    func refusesWhatIsNoHash(stored: String?) async throws {
        #expect(try await !PasswordHasher(parameters: small).verify("", stored: stored))
    }

    @Test func boundsHowManyWait() async throws {
        let hasher = PasswordHasher(parameters: .init(cost: 12), limit: 1, queueLimit: 3)
        let refused = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do { _ = try await hasher.hash("x") } catch let error as ConsoleError {
                        return error.code == .unavailable
                    }
                    return false
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(refused > 0 && refused < 20)
        // None of them keeps its place.
        _ = try await hasher.hash("x")
    }
}

struct LoginGuardTests {
    @Test func waitsGrow() {
        let guardian = LoginGuard(limits: .init(freePerAccount: 3, longest: 100))
        var now: Int64 = 1000
        for _ in 0..<3 { #expect(guardian.begin(account: "a", address: "x", now: now) == nil) }
        var waits: [Int64] = []
        for _ in 0..<8 {
            #expect(guardian.begin(account: "a", address: "x", now: now) == nil)
            let wait = guardian.begin(account: "A", address: "y", now: now) ?? 0
            waits.append(wait)
            #expect(guardian.begin(account: "a", address: "x", now: now + wait - 1) != nil)
            now += wait
        }
        #expect(waits == [2, 4, 8, 16, 32, 64, 100, 100])
        // Another account is not slowed by that, nor this one after an hour.
        #expect(guardian.begin(account: "b", address: "z", now: now) == nil)
        #expect(guardian.begin(account: "a", address: "x", now: now + 3601 + 100) == nil)
        #expect(guardian.begin(account: "a", address: "x", now: now + 3601 + 100) == nil)
    }

    @Test func addressesAreSlowedToo() {
        let guardian = LoginGuard(limits: .init(freePerAddress: 10))
        for index in 0...10 { #expect(guardian.begin(account: "user\(index)", address: "x", now: 5) == nil) }
        #expect(guardian.begin(account: "another", address: "x", now: 5) == 2)
        #expect(guardian.begin(account: "another", address: "y", now: 5) == nil)
    }

    /// An account of one's own does not wash off what one tried on others'.
    @Test func ownSuccessGivesBackOneAttempt() {
        let guardian = LoginGuard(limits: .init(freePerAddress: 10))
        var refused = false
        for index in 0..<40 where !refused {
            refused = guardian.begin(account: "victim\(index)", address: "x", now: 5) != nil
            if !refused, guardian.begin(account: "mine", address: "x", now: 5) == nil {
                guardian.succeeded(account: "mine", address: "x")
            }
        }
        #expect(refused)
    }

    @Test func memoryIsBounded() {
        let guardian = LoginGuard(limits: .init(entries: 100))
        for index in 0..<5000 {
            _ = guardian.begin(account: "user\(index)", address: "a\(index)", now: Int64(index))
            #expect(guardian.count <= 102)
        }
    }

    @Test func guessingOverTheWireIsSlowed() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            for _ in 0..<6 { #expect(try await browser.logIn("admin", "wrong").status == .unauthorized) }
            let blocked = try await browser.logIn("admin", console.password)
            #expect(blocked.status == .tooManyRequests)
            #expect(blocked.headers[.retryAfter] == "2")
            console.clock.advance(2)
            #expect(try await browser.logIn("admin", console.password).status == .seeOther)
            let metrics = try await browser.get("/metrics").text
            #expect(metrics.contains("bulwark_login_failures_total 6"))
        }
        #expect(!console.log.text.contains("wrong"))
    }

    @Test func knownAndUnknownNamesLookTheSame() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            let known = try await browser.logIn("admin", "wrong password")
            let unknown = try await browser.logIn("nobody", "wrong password")
            #expect(known.status == unknown.status)
            #expect(known.text.contains("The name or the password is wrong."))
            #expect(unknown.text.contains("The name or the password is wrong."))
        }
    }

    @Test(arguments: [
        ("10.1.2.3", "10.1.2.3"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("::ffff:10.1.2.3", "10.1.2.3"),
        ("::1", "0:0:0:0::/64"), ("nonsense", "nonsense"),
    ])
    func originOfAddresses(text: String, origin: String) { #expect(IPAddress.origin(text) == origin) }
}

struct TokenTests {
    private func ask(_ browser: Browser, _ secret: String, _ path: String = "/api/v1/summary") async throws
        -> HTTPResponse.Status
    {
        try await browser.send(.get, path, headers: [.authorization: "Bearer \(secret)"]).status
    }

    @Test func lives() async throws {
        let console = try await ConsoleFixture()
        let tokens = console.server.parts.tokens
        let admin = try #require(try await console.server.accounts.list().first)
        let short = try await tokens.make(name: "a", role: .viewer, days: 1, by: admin, now: console.clock.now)
        let long = try await tokens.make(name: "b", role: .viewer, days: 3, by: admin, now: console.clock.now)
        try await console.test { browser in
            #expect(try await ask(browser, short.secret) == .ok)
            #expect(try await ask(browser, long.secret) == .ok)
            #expect(try await tokens.list().allSatisfy { $0.lastUsed == console.clock.now })
            console.clock.advance(86_400)
            #expect(try await ask(browser, short.secret) == .unauthorized)
            #expect(try await ask(browser, long.secret) == .ok)
            try await browser.logIn("admin", console.password)
            #expect(try await browser.post("/tokens/\(long.token.id)/revoke", [:]).status == .seeOther)
            #expect(try await ask(browser.other(), long.secret) == .unauthorized)
            #expect(try await browser.post("/tokens/999/revoke", [:]).status == .notFound)
        }
    }

    @Test(arguments: ["", "Basic YTpi", "Bearer", "Bearer x", "Bearer bwt_", "Token abc"])
    func refusesOthers(header: String) async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            let answer = try await browser.send(.get, "/api/v1/summary", headers: [.authorization: header])
            #expect(answer.status == .unauthorized)
        }
    }

    /// A token never may more than who made it may now.
    @Test func followsItsOwner() async throws {
        let console = try await ConsoleFixture()
        let accounts = console.server.accounts
        let ada = try await accounts.add(
            name: "ada", role: .administrator, password: "ada's own password", now: console.clock.now)
        let made = try await console.server.parts.tokens.make(
            name: "a", role: .administrator, days: 9, by: ada, now: console.clock.now)
        try await console.test { browser in
            #expect(try await ask(browser, made.secret, "/api/v1/tokens") == .ok)
            try await accounts.setRole(ada.id, to: .viewer)
            #expect(try await ask(browser, made.secret, "/api/v1/tokens") == .forbidden)
            #expect(try await ask(browser, made.secret) == .ok)
            try await accounts.remove(ada.id)
            #expect(try await ask(browser, made.secret) == .unauthorized)
        }
    }

    @Test func cannotMakeMoreThanItself() async throws {
        let console = try await ConsoleFixture()
        let accounts = console.server.accounts
        try await console.addViewer()
        let vera = try #require(try await accounts.list().first { $0.name == "vera" })
        await #expect(throws: ConsoleError.self) {
            try await console.server.parts.tokens.make(
                name: "a", role: .administrator, days: 9, by: vera, now: console.clock.now)
        }
    }
}

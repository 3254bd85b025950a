// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Testing

@testable import Secrets

@Suite struct SecretScannerTests {
    static let standard = Result { () throws(SecretError) in try SecretScanner.standard() }

    static func scan(_ text: String, path: String = "app/settings.py") throws -> [SecretMatch] {
        try scan(Array(text.utf8), path: path)
    }

    static func scan(_ bytes: [UInt8], path: String = "app/settings.py") throws -> [SecretMatch] {
        let scanner = try standard.get()
        var matches: [SecretMatch] = []
        bytes.withUnsafeBytes { scanner.scan($0, path: path, into: &matches) }
        return matches
    }

    @Test func everyRuleHasASample() throws {
        let rules = try SecretRule.embedded()
        #expect(rules.map(\.id).sorted() == SecretSamples.all.map(\.rule).sorted())
        #expect(rules.count >= 150)
    }

    @Test(arguments: SecretSamples.all.indices) func samplesAreFoundAndNotShown(_ index: Int) throws {
        let sample = SecretSamples.all[index]
        var random = Numbers(UInt64(index) + 7)
        for _ in 0..<5 {
            let text = SecretSamples.fill(sample.text, &random)
            let matches = try Self.scan("first line\n\(text)\nlast line\n", path: sample.path)
            #expect(matches.contains { $0.rule == sample.rule }, "\(sample.rule): \(text): \(matches)")
            for match in matches {
                #expect(match.line == 2 || sample.text.contains("\n"))
                // No run of letters of the secret is in anything that is shown.
                let shown = match.excerpt + match.identity
                for part in text.split(whereSeparator: { !$0.isLetter && !$0.isNumber }) where part.count >= 12 {
                    #expect(!shown.contains(part) || sample.text.contains(part), "\(match.excerpt)")
                }
            }
        }
    }

    @Test(arguments: [
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
        "password: ${DB_PASSWORD}", "password = changeme123", "DB_PASSWORD=<your password here>",
        "token: {{ .Values.token }}",
        "api_key = os.environ['API_KEY_NUMBER_1']", "postgres://user:password@localhost/db", "mysql://root:%s@db/x",
        "redis://:secret@cache:6379", "secret_key_base: <%= ENV['SECRET_KEY_BASE1'] %>",
        "https://user:pass@example.com/",
        "password_field_name: user_password_confirmation", "const apiKey = 'your-api-key-goes-here-123'",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "sk_live_000000000000000000000000", "AKIAAAAAAAAAAAAAAAAA",
        "sha512-zNjhqQEnDlrLAzv0bKAyyzhpFzWaCNfSZPALSsSACvOqzGsTNEEXsgJLO9xXGwqpc3vGV0iZTtXNwJTY1JqhqQ==",
        "the key-value store keeps each token: a word is a token", "PasswordAuthentication no1234567",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    ]) func whatIsNoSecretIsNotFound(_ text: String) throws {
        for path in ["app/settings.py", "app/.env", "etc/app.yaml"] {
            #expect(try Self.scan(text, path: path) == [], "\(path)")
        }
    }

    @Test func examplesAndTestsMayHoldMadeUpPasswords() throws {
        var random = Numbers(3)
        let url = SecretSamples.fill("DATABASE_URL=postgres://shop:{n:14}74@db:5432/shop\n", &random)
        let token = SecretSamples.fill("ghp_{n:36}\n", &random)
        #expect(try Self.scan(url, path: "app/.env").count == 1)
        for path in ["app/tests/.env", "app/README.md", "usr/share/doc/x/conf", "app/.env.example"] {
            #expect(try Self.scan(url, path: path) == [])
            #expect(try Self.scan(token, path: path).count == 1)
        }
    }

    @Test func placesAreInLinesAndBytes() throws {
        var random = Numbers(5)
        let token = SecretSamples.fill("ghp_{n:36}", &random)
        let matches = try Self.scan("é\n\n  x = \"\(token)\"\n\(token)")
        #expect(matches.map { [$0.line, $0.column] } == [[3, 8], [4, 1]])
        #expect(matches[0].excerpt.hasPrefix("x = \"(40 bytes, ") && matches[1].excerpt.hasPrefix("\"(40 bytes, "))
        #expect(matches[0].identity == matches[1].identity)
    }

    @Test func masksHoldBetweenRunsWithTheSameKey() throws {
        var random = Numbers(6)
        let bytes = Array(SecretSamples.fill("ghp_{n:36}", &random).utf8)
        func identity(_ key: [UInt8]?) throws -> String? {
            var matches: [SecretMatch] = []
            let scanner = try SecretScanner.standard(key: key)
            bytes.withUnsafeBytes { scanner.scan($0, path: "f", into: &matches) }
            return matches.first?.identity
        }
        let key = [UInt8](repeating: 9, count: 32)
        #expect(try identity(key) == identity(key))
        #expect(try identity(key) != identity(nil))
    }

    @Test func manyMatchesAreCountedAndFewListed() throws {
        var random = Numbers(8)
        var text = ""
        for _ in 0..<1_000 { text += SecretSamples.fill("ghp_{n:36} ", &random) }
        let matches = try Self.scan(text)
        #expect(matches.count == SecretScanner.matchesListed)
        #expect(matches.last?.unlisted == 1_000 - SecretScanner.matchesListed)
        #expect(matches.allSatisfy { $0.excerpt.utf8.count < 100 })
    }

    @Test func aGenericRuleGivesWay() throws {
        var random = Numbers(9)
        let text = SecretSamples.fill("ACCESS_TOKEN=ghp_{n:36}\nexport OTHER_TOKEN={n:36}", &random)
        #expect(
            try Self.scan(text, path: "app/.env").map(\.rule) == ["github-token", "generic-secret-in-configuration"])
    }

    @Test func aTokenAtEveryPlaceIsFound() throws {
        var random = Numbers(10)
        let token = Array(SecretSamples.fill("ghp_{n:36}", &random).utf8)
        for length in 0..<600 where length % 7 == 0 || length < 20 {
            let before = [UInt8](repeating: UInt8(ascii: " "), count: length)
            #expect(try Self.scan(before + token).count == 1)
            #expect(try Self.scan(before + token + before).count == 1)
            // Keywords before and behind do not hide it.
            let noise = Array(" ghp_ ".utf8)
            #expect(try Self.scan(noise + before + token + before + noise).count == 1)
        }
        #expect(try Self.scan(Array(token.dropLast())) == [])
    }

    @Test func manyThreadsMayScan() async throws {
        let scanner = try Self.standard.get()
        var random = Numbers(11)
        let bytes = Array(SecretSamples.fill("a ghp_{n:36} b glpat-{n:20} c", &random).utf8)
        let counts = await withTaskGroup(of: Int.self, returning: [Int].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var matches: [SecretMatch] = []
                    for _ in 0..<200 { bytes.withUnsafeBytes { scanner.scan($0, path: "f", into: &matches) } }
                    return matches.count
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts == Array(repeating: 400, count: 8))
    }

    @Test func hostileBytesTakeLinearTime() throws {
        var random = Numbers(12)
        var inputs: [[UInt8]] = [
            (0..<200_000).map { _ in UInt8(truncatingIfNeeded: random.next() >> 40) },
            [UInt8](repeating: UInt8(ascii: "a"), count: 400_000),
        ]
        for text in [
            "password=", "-----BEGIN PRIVATE KEY-----\n", "secret_key=\"", "eyJhbGci.eyJ", "https://a:", "&sig=",
            "AKIA",
            "token:aaaaaaaa1", "postgres://x:y", "{\"kty\":\"RSA\"", "server=x;password",
        ] {
            inputs.append(Array(String(repeating: text, count: 300_000 / text.utf8.count).utf8))
        }
        let start = ContinuousClock.now
        for input in inputs { _ = try Self.scan(input, path: "app/.env") }
        #expect(start.duration(to: .now) < .seconds(60))
    }
}

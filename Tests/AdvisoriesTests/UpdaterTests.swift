// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
@testable import Advisories
import Foundation
import Synchronization
import Testing

@Suite struct UpdaterTests {
    private static let ranges = "[" + AdvisoryFixture.range("ECOSYSTEM", "introduced 0,fixed 9") + "]"

    /// A zip of one record, with so many bytes of chance beside it.
    private static func zip(_ fixture: AdvisoryFixture, _ id: String, padding: Int = 0, ecosystem: String = "PyPI")
        throws -> [UInt8]
    {
        let path = fixture.folder + "/\(UUID().uuidString).zip"
        var files = ["\(id).json": AdvisoryFixture.record(id, ecosystem, "a", ranges: ranges)]
        if padding > 0 {
            // Chance does not compress.
            files["padding.txt"] = (0..<padding / 16).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }
                .joined()
        }
        try StoreTests.zip(path, files)
        return [UInt8](try Data(contentsOf: URL(filePath: path)))
    }

    private final class Events: Sendable {
        private let list = Mutex<[String]>([])
        var all: [String] { list.withLock { $0 } }
        func add(_ event: AdvisoryUpdater.Event) {
            let text =
                switch event {
                case .received: ""
                case .waiting(let name, let pause, _): "waiting \(name) \(pause)"
                case .imported: ""
                case .unchanged(let name): "unchanged \(name)"
                case .finished(let outcome): "finished \(outcome.ecosystem) \(outcome.records)"
                case .failed(let name, _): "failed \(name)"
                }
            if !text.isEmpty { list.withLock { $0.append(text) } }
        }
    }

    private static func options(_ ecosystems: [String] = ["PyPI"]) -> AdvisoryUpdater.Options {
        var options = AdvisoryUpdater.Options()
        options.ecosystems = ecosystems
        options.delay = .milliseconds(5)
        options.longestDelay = .milliseconds(50)
        options.silence = .seconds(5)
        return options
    }

    private static func update(
        _ fixture: AdvisoryFixture, _ server: RawServer, _ options: AdvisoryUpdater.Options = options()
    ) async throws -> [String] {
        let events = Events()
        do {
            try await AdvisoryUpdater(
                database: fixture.database, source: "http://127.0.0.1:\(server.port)/osv/", options: options,
                report: events.add
            ).update()
        } catch {
            try await server.stop()
            throw error
        }
        return events.all
    }

    private static func records(_ fixture: AdvisoryFixture, _ ecosystem: String = "PyPI") throws -> [String] {
        try fixture.matches(ecosystem, "a", "1").map(\.id)
    }

    @Test func fetchesWhatChangedAlone() async throws {
        let fixture = try AdvisoryFixture()
        let (first, second) = (try Self.zip(fixture, "P-1"), try Self.zip(fixture, "P-2"))
        let server = try await RawServer.start { request, count in
            if request.headers["if-none-match"] == "\"one\"", count == 1 { return RawServer.answer("304 Not Modified") }
            return RawServer.answer(
                "200 OK", ["ETag: \(count == 0 ? "\"one\"" : "\"two\"")"], body: count == 0 ? first : second)
        }
        #expect(try await Self.update(fixture, server) == ["finished PyPI 1"])
        #expect(try Self.records(fixture) == ["P-1"])
        let file = fixture.database + "/PyPI.advisories"
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1000)], ofItemAtPath: file)
        #expect(try await Self.update(fixture, server) == ["unchanged PyPI"])
        // The age counts from the last look, not from the last change.
        let checked = try #require(AdvisoryStatus(path: fixture.database).ecosystems.first?.checked)
        #expect(abs(checked - Int64(Date().timeIntervalSince1970)) < 60)
        #expect(try await Self.update(fixture, server) == ["finished PyPI 1"])
        #expect(try Self.records(fixture) == ["P-2"])
        #expect(server.requests.map(\.path) == Array(repeating: "/osv/PyPI/all.zip", count: 3))
        #expect(server.requests[2].headers["if-none-match"] == "\"one\"")
        try await server.stop()
    }

    @Test func goesOnWhereItWasCut() async throws {
        let fixture = try AdvisoryFixture()
        let zip = try Self.zip(fixture, "P-1", padding: 200_000)
        let server = try await RawServer.start { request, count in
            guard let range = request.headers["range"], request.headers["if-range"] == "\"one\"",
                let from = Int(range.dropFirst(6).dropLast()), from < zip.count
            else { return RawServer.answer("200 OK", ["ETag: \"one\""], body: zip, cut: zip.count / 3) }
            let rest = Array(zip[from...])
            return RawServer.answer(
                "206 Partial Content", ["ETag: \"one\"", "Content-Range: bytes \(from)-\(zip.count - 1)/\(zip.count)"],
                body: rest,
                cut: count == 1 ? rest.count / 2 : nil)
        }
        let events = try await Self.update(fixture, server)
        #expect(events.last == "finished PyPI 1" && events.count == 3)
        #expect(
            server.requests.count == 3 && server.requests[2].headers["range"] != server.requests[1].headers["range"])
        #expect(try Self.records(fixture) == ["P-1"])
        try await server.stop()
    }

    /// The server's file changed between two parts: they must not be put together.
    @Test func startsAnewWhenTheFileChanged() async throws {
        let fixture = try AdvisoryFixture()
        let (old, new) = (try Self.zip(fixture, "P-1", padding: 90_000), try Self.zip(fixture, "P-2", padding: 80_000))
        let server = try await RawServer.start { _, count in
            switch count {
            case 0: RawServer.answer("200 OK", ["ETag: \"one\""], body: old, cut: 1000)
            case 1: RawServer.answer("206 Partial Content", ["Content-Range: bytes 5-9/10"], body: [1, 2, 3, 4, 5])
            case 2: RawServer.answer("416 Range Not Satisfiable")
            default: RawServer.answer("200 OK", ["ETag: \"two\""], body: new)
            }
        }
        #expect(try await Self.update(fixture, server).last == "finished PyPI 1")
        #expect(try Self.records(fixture) == ["P-2"])
        #expect(server.requests[1].headers["range"] == "bytes=1000-")
        try await server.stop()
    }

    @Test func waitsWhenToldTo() async throws {
        let fixture = try AdvisoryFixture()
        let zip = try Self.zip(fixture, "P-1")
        let server = try await RawServer.start { _, count in
            switch count {
            case 0: RawServer.answer("429 Too Many Requests", ["Retry-After: 0"])
            case 1: RawServer.answer("503 Service Unavailable", ["Retry-After: 3600"])
            case 2: RawServer.answer("500 Internal Server Error")
            default: RawServer.answer("200 OK", body: zip)
            }
        }
        let events = try await Self.update(fixture, server)
        // What the server asks for is bounded by the options.
        #expect(
            events == [
                "waiting PyPI 0.0 seconds", "waiting PyPI 0.05 seconds", "waiting PyPI 0.02 seconds", "finished PyPI 1",
            ])
        try await server.stop()
    }

    /// Whatever the server sends, the old advisories stay.
    @Test(arguments: ["length", "garbage", "digest", "large", "missing", "endless429", "truncated", "empty"])
    func keepsTheOldWhenTheNewIsBad(_ kind: String) async throws {
        let fixture = try AdvisoryFixture()
        try fixture.load("PyPI", [AdvisoryFixture.record("P-0", "PyPI", "a", ranges: Self.ranges)])
        let zip = try Self.zip(fixture, "P-1", padding: 5000)
        let server = try await RawServer.start { _, _ in
            switch kind {
            case "length": RawServer.answer(body: zip, length: zip.count + 50)
            case "garbage": RawServer.answer(body: Array(repeating: 7, count: 5000))
            case "digest": RawServer.answer("200 OK", ["x-goog-hash: md5=AAAAAAAAAAAAAAAAAAAAAA=="], body: zip)
            case "large": RawServer.answer(body: zip, length: 1 << 40)
            case "missing": RawServer.answer("404 Not Found")
            case "endless429": RawServer.answer("429 Too Many Requests")
            case "truncated": RawServer.answer(body: Array(zip.dropLast(30)))
            default: RawServer.answer(body: [])
            }
        }
        await #expect(throws: AdvisoryError.self) { try await Self.update(fixture, server) }
        #expect(try Self.records(fixture) == ["P-0"])
        #expect(server.requests.count <= 5)
        let left = try FileManager.default.contentsOfDirectory(atPath: fixture.database).filter { $0.hasSuffix(".new") }
        #expect(left.isEmpty)
    }

    @Test func findsItsEcosystems() async throws {
        let fixture = try AdvisoryFixture()
        let (python, rocky) = (try Self.zip(fixture, "P-1"), try Self.zip(fixture, "RLSA-1", ecosystem: "Rocky Linux"))
        let server = try await RawServer.start { request, _ in
            switch request.path {
            case "/osv/ecosystems.txt":
                RawServer.answer(body: Array("Android\nPyPI\nRocky Linux\nRocky Linux:9\nnpm\n../etc\n".utf8))
            case "/osv/PyPI/all.zip": RawServer.answer(body: python)
            case "/osv/Rocky%20Linux/all.zip": RawServer.answer(body: rocky)
            default: RawServer.answer("404 Not Found")
            }
        }
        let events = Events()
        await #expect(throws: AdvisoryError.self) {
            try await AdvisoryUpdater(
                database: fixture.database, source: "http://127.0.0.1:\(server.port)/osv", options: Self.options([]),
                report: events.add
            ).update()
        }
        // One that fails does not keep the others from being updated.
        #expect(events.all == ["finished PyPI 1", "finished Rocky Linux 1", "failed npm"])
        #expect(try Self.records(fixture, "Rocky Linux") == ["RLSA-1"])
        try await server.stop()
    }

    @Test func goesThroughProxies() async throws {
        let fixture = try AdvisoryFixture()
        let zip = try Self.zip(fixture, "P-1")
        let proxy = try await RawServer.start { request, _ in
            // The server behind the tunnel is the proxy itself.
            request.path.hasPrefix("/") ? RawServer.answer(body: zip) : Array("HTTP/1.1 200 OK\r\n\r\n".utf8)
        }
        var options = Self.options()
        options.environment = ["http_proxy": "http://me:secret@127.0.0.1:\(proxy.port)"]
        try await AdvisoryUpdater(database: fixture.database, source: "http://mirror.invalid/osv", options: options)
            .update()
        #expect(proxy.requests.map(\.path) == ["mirror.invalid:80", "/osv/PyPI/all.zip"])
        #expect(proxy.requests.first?.headers["proxy-authorization"] == "Basic bWU6c2VjcmV0")
        #expect(try Self.records(fixture) == ["P-1"])
        try await proxy.stop()
    }

    @Test(arguments: [
        (["HTTPS_PROXY": "proxy.example:8080"], "https://a.example/x", "proxy.example", 8080),
        (["https_proxy": "http://u:p%40@proxy.example"], "https://a.example", "proxy.example", 3128),
        (["ALL_PROXY": "http://[::1]:99/"], "http://a.example", "::1", 99),
        (["HTTP_PROXY": "proxy.example:8080"], "https://a.example", "", 0),
        (["HTTPS_PROXY": "proxy.example:8080", "NO_PROXY": "b.example, .a.example"], "https://x.a.example", "", 0),
        (["HTTPS_PROXY": "proxy.example:8080", "no_proxy": "*"], "https://a.example", "", 0),
        (["HTTPS_PROXY": "proxy.example:8080", "no_proxy": "aa.example"], "https://a.example", "proxy.example", 8080),
    ]) func readsProxies(_ environment: [String: String], _ url: String, _ host: String, _ port: Int) throws {
        let proxy = try Proxy(environment: environment, url: url)
        #expect(proxy?.host ?? "" == host && proxy?.port ?? 0 == port)
    }

    @Test func readsFolders() async throws {
        let fixture = try AdvisoryFixture()
        let mirror = fixture.folder + "/mirror"
        try FileManager.default.createDirectory(atPath: mirror + "/PyPI", withIntermediateDirectories: true)
        try Data(try Self.zip(fixture, "P-1")).write(to: URL(filePath: mirror + "/PyPI/all.zip"))
        let events = Events()
        try await AdvisoryUpdater(database: fixture.database, source: mirror, report: events.add).update()
        #expect(events.all == ["finished PyPI 1"])
        await #expect(throws: AdvisoryError.self) {
            try await AdvisoryUpdater(database: fixture.database, source: mirror, options: Self.options(["npm"]))
                .update()
        }
    }

    /// A writer that is killed at any moment leaves the old advisories, and does not keep the next one out.
    @Test func survivesDeath() throws {
        let fixture = try AdvisoryFixture()
        try fixture.load("PyPI", [AdvisoryFixture.record("P-0", "PyPI", "a", ranges: Self.ranges)])
        let left = fixture.database + "/.import.12345.new"
        try Data("part".utf8).write(to: URL(filePath: left))
        #expect(try Self.records(fixture) == ["P-0"])
        try fixture.load("PyPI", [AdvisoryFixture.record("P-1", "PyPI", "a", ranges: Self.ranges)])
        #expect(try Self.records(fixture) == ["P-1"] && !FileManager.default.fileExists(atPath: left))
    }
}

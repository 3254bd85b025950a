// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import OCI

/// Where registries may lead who asks on the word of others.
@Suite struct RegistryReachTests {
    private static let image = try? TestImage([("a", "one")])

    @Test(
        arguments: [
            ("8.8.8.8", .open), ("172.15.0.1", .open), ("172.32.0.1", .open), ("100.63.0.1", .open),
            ("100.128.0.1", .open), ("2606:4700::1", .open), ("[2001:db8::1]", .open), ("64:ff9b::808:808", .open),
            ("2002:808:808::1", .open), ("169.253.1.1", .open),
            ("10.1.2.3", .inner), ("172.16.0.1", .inner), ("172.31.255.255", .inner), ("192.168.0.1", .inner),
            ("100.64.0.1", .inner), ("198.18.0.1", .inner), ("240.0.0.1", .inner), ("255.255.255.254", .inner),
            ("fd12:3456::1", .inner), ("fc00::1", .inner),
            ("fec0::1", .inner), ("::ffff:10.0.0.1", .inner), ("64:ff9b::a00:1", .inner), ("2002:c0a8:1::1", .inner),
            ("64:ff9b:1::808:808", .inner), ("::10.0.0.1", .inner), ("0xa000001", .inner),
            ("127.0.0.1", .own), ("127.1", .own), ("0x7f000001", .own), ("2130706433", .own), ("0177.0.0.1", .own),
            ("0.0.0.0", .own), ("0", .own), ("169.254.169.254", .own), ("100.100.100.200", .own),
            ("168.63.129.16", .own), ("192.0.0.192", .own), ("224.0.0.1", .own), ("239.255.255.255", .own),
            ("255.255.255.255", .own),
            ("::1", .own), ("[::1]", .own), ("::", .own), ("fe80::1", .own), ("fe80::1%eth0", .own), ("febf::1", .own),
            ("fd00:ec2::254", .own), ("fd20:ce::254", .own), ("ff02::1", .own), ("::ffff:127.0.0.1", .own),
            ("::ffff:a9fe:a9fe", .own), ("64:ff9b::a9fe:a9fe", .own), ("2002:7f00:1::", .own), ("2001::1", .own),
        ] as [(String, NetworkZone)]) func zonesOfAddresses(address: String, zone: NetworkZone)
    {
        #expect(NetworkZone.of(literal: address) == zone)
        #expect(NetworkZone.of(name: address) == zone)
    }

    @Test func zonesOfNames() {
        #expect(NetworkZone.of(literal: "registry.example.org") == nil)
        #expect(NetworkZone.of(name: "localhost") == .own)
        #expect(NetworkZone.of(name: "nothing.invalid") == nil)
        #expect(NetworkZone.of([1, 2, 3]) == .own)
    }

    /// Three servers that seem to be outside, inside and on this machine itself: 127.0.0.2, 127.0.0.3, 127.0.0.1.
    private struct World {
        let open: OddRegistry
        let inner: OddRegistry
        let own: OddRegistry
        var options: ImageSourceOptions

        /// - Parameter answer: of each; what a good registry says where it is nil.
        init(
            named: [String] = [],
            _ answer:
                @escaping @Sendable (_ host: String, OddRegistry.Request, _ ports: [String: Int]) ->
                OddRegistry.Answer?
        ) async throws {
            let image = try #require(RegistryReachTests.image)
            let ports = Ports()
            func server(_ address: String, _ name: String) async throws -> OddRegistry {
                let server = try await OddRegistry(host: address) { request in
                    answer(name, request, ports.all) ?? OddRegistryTests.good(request, image)
                }
                ports.set(name, server.port)
                return server
            }
            open = try await server("127.0.0.2", "open")
            inner = try await server("127.0.0.3", "inner")
            own = try await server("127.0.0.1", "own")
            options = ImageSourceOptions()
            options.usesLocalStorage = false
            options.registry.environment = [:]
            options.registry.backOff = .milliseconds(5)
            options.registry.allowsPlainHTTP = true
            let all = ports.all
            var reach = RegistryReach { host in
                named.contains { name in host == "127.0.0.1:\(all[name] ?? 0)" || host == "127.0.0.3:\(all[name] ?? 0)"
                }
            }
            let zones: [String: NetworkZone] = ["127.0.0.2": .open, "127.0.0.3": .inner]
            reach.look = { zones[$0] ?? .own }
            reach.zone = { zones[$0.map(String.init).joined(separator: ".")] ?? .own }
            options.registry.reach = reach
        }

        func read(_ host: String) async throws -> [String] {
            let place = [
                "open": "127.0.0.2:\(open.port)", "inner": "127.0.0.3:\(inner.port)", "own": "127.0.0.1:\(own.port)",
            ][host]
            return try await LocalImageTests.texts(ImageSources.open("\(place ?? host)/team/app:v1", options))
        }

        func stop() async throws {
            for server in [open, inner, own] { try await server.stop() }
        }
    }

    private final class Ports: Sendable {
        private let ports = Mutex<[String: Int]>([:])
        var all: [String: Int] { ports.withLock { $0 } }
        func set(_ name: String, _ port: Int) { ports.withLock { $0[name] = port } }
    }

    private static let addresses = ["open": "127.0.0.2", "inner": "127.0.0.3", "own": "127.0.0.1"]

    private static func url(_ name: String, _ ports: [String: Int]) -> String {
        "http://\(addresses[name] ?? ""):\(ports[name] ?? 0)"
    }

    /// Who asks whom, who sends us on where, who is named, and whether that is followed.
    private static let ways: [(from: String, to: String, named: [String], isFollowed: Bool)] = [
        ("open", "open", [], true), ("open", "inner", [], false), ("open", "own", [], false),
        ("open", "inner", ["inner"], true), ("open", "own", ["own"], true), ("open", "own", ["inner"], false),
        ("inner", "inner", [], true), ("inner", "open", [], true), ("inner", "own", [], false),
        ("inner", "own", ["own"], true), ("own", "inner", ["own"], true), ("own", "open", ["own"], true),
        ("own", "own", ["own"], true), ("own", "own", [], false),
    ]

    @Test(arguments: ways) func redirectsLeadNotInside(
        way: (from: String, to: String, named: [String], isFollowed: Bool)
    ) async throws {
        let world = try await World(named: way.named) { host, request, ports in
            guard host == way.from, request.uri.contains("/blobs/"), !request.uri.hasSuffix("?there") else {
                return nil
            }
            return .text(307, "", [("Location", "\(Self.url(way.to, ports))\(request.uri)?there")])
        }
        var error: OCIError?
        do { #expect(try await world.read(way.from) == ["a=one"]) } catch let failure as OCIError { error = failure }
        let target = ["open": world.open, "inner": world.inner, "own": world.own][way.to]
        let arrived = target?.requests.contains { $0.uri.hasSuffix("?there") } ?? false
        #expect((error == nil) == way.isFollowed, "\(way): \(String(describing: error))")
        #expect(arrived == way.isFollowed, "\(way)")
        if let error { #expect(error.code == .unauthorized && error.message.contains("administrator"), "\(error)") }
        try await world.stop()
    }

    @Test(arguments: ways) func tokenServicesAreNotInside(
        way: (from: String, to: String, named: [String], isFollowed: Bool)
    ) async throws {
        let world = try await World(named: way.named) { host, request, ports in
            if request.uri.hasPrefix("/token") { return .text(200, #"{"token":"good"}"#) }
            guard host == way.from, request.headers["authorization"] != "Bearer good" else { return nil }
            return .text(401, "", [("WWW-Authenticate", "Bearer realm=\"\(Self.url(way.to, ports))/token\"")])
        }
        var error: OCIError?
        do { #expect(try await world.read(way.from) == ["a=one"]) } catch let failure as OCIError { error = failure }
        let target = ["open": world.open, "inner": world.inner, "own": world.own][way.to]
        let arrived = target?.requests.contains { $0.uri.hasPrefix("/token") } ?? false
        #expect((error == nil) == way.isFollowed, "\(way): \(String(describing: error))")
        #expect(arrived == way.isFollowed, "\(way)")
        try await world.stop()
    }

    /// From inside to outside and back again; and a token service that sends us on.
    @Test func chainsEndWhereTheyTurn() async throws {
        let world = try await World { host, request, ports in
            if host == "inner", request.uri.contains("/blobs/"), !request.uri.hasSuffix("?2") {
                return .text(302, "", [("Location", "\(Self.url("open", ports))\(request.uri)?1")])
            }
            if request.uri.hasSuffix("?1") {
                return .text(302, "", [("Location", "\(Self.url("inner", ports))/blobs/x?2")])
            }
            return nil
        }
        await #expect { try await world.read("inner") } throws: { ($0 as? OCIError)?.code == .unauthorized }
        #expect(!world.inner.requests.contains { $0.uri.hasSuffix("?2") })
        try await world.stop()

        let tokens = try await World { host, request, ports in
            if request.uri.hasPrefix("/token") {
                return .text(302, "", [("Location", "\(Self.url("inner", ports))/secret")])
            }
            guard host == "open" else { return nil }
            return .text(401, "", [("WWW-Authenticate", "Bearer realm=\"\(Self.url("open", ports))/token\"")])
        }
        await #expect { try await tokens.read("open") } throws: { ($0 as? OCIError)?.code == .unauthorized }
        #expect(tokens.inner.requests.isEmpty)
        try await tokens.stop()
    }

    /// A name that had another address when it was looked up.
    @Test func connectionsAreHeldToWhatWasLookedUp() async throws {
        for (claimed, isReached) in [
            (NetworkZone.own, false), (.open, false), (.inner, true), ([.open, .inner], true),
        ] {
            var world = try await World { _, _, _ in nil }
            world.options.registry.reach?.look = { _ in claimed }
            let count = Mutex(0)
            world.options.registry.reach?.zone = { _ in
                count.withLock { $0 += 1 }
                return .inner
            }
            // Several requests, so that a connection that was refused is not used again either.
            for _ in 0..<3 {
                if isReached {
                    #expect(try await world.read("inner") == ["a=one"])
                } else {
                    await #expect { try await world.read("inner") } throws: { ($0 as? OCIError)?.code == .unauthorized }
                }
            }
            // Long enough for connections that were refused to be closed.
            try await Task.sleep(for: .milliseconds(50))
            #expect(world.inner.requests.isEmpty == !isReached)
            #expect(count.withLock { $0 } == (claimed == .own ? 0 : count.withLock { $0 }))
            try await world.stop()
        }
    }

    @Test func namesWithoutAddress() async throws {
        var world = try await World { _, _, _ in nil }
        world.options.registry.reach?.look = { _ in nil }
        world.options.registry.attempts = 2
        await #expect { try await world.read("open") } throws: {
            ($0 as? OCIError)?.code == .server && "\($0)".contains("no address")
        }
        // A resolver that hangs is not waited for.
        world.options.registry.reach?.lookupTime = .milliseconds(50)
        world.options.registry.reach?.look = { _ in
            sleep(20)
            return .open
        }
        let start = ContinuousClock.now
        await #expect { try await world.read("open") } throws: { ($0 as? OCIError)?.code == .server }
        #expect(ContinuousClock.now - start < .seconds(15))
        try await world.stop()
    }

    /// What answers in the registry's place gets no login and does not say where it is to go.
    @Test func loginsStayWithTheRegistry() async throws {
        for challenge in ["Basic realm=r", "Bearer realm=\"URL/token\""] {
            var world = try await World(named: ["own"]) { host, request, ports in
                if host == "own" { return request.uri.hasPrefix("/token") ? .text(200, #"{"token":"t"}"#) : .text(404) }
                if host == "inner" {
                    let realm = challenge.replacing("URL", with: Self.url("own", ports))
                    return .text(401, "", [("WWW-Authenticate", realm)])
                }
                guard request.headers["authorization"] == "Basic dTpw" else {
                    return .text(401, "", [("WWW-Authenticate", "Basic realm=r")])
                }
                return request.uri.contains("/blobs/")
                    ? .text(307, "", [("Location", "\(Self.url("inner", ports))\(request.uri)")]) : nil
            }
            world.options.registry.reach = nil
            world.options.registry.login = ("u", Secret("p"))
            await #expect { try await world.read("open") } throws: {
                ($0 as? OCIError)?.code == .unauthorized && "\($0)".contains("127.0.0.3")
            }
            #expect(world.own.requests.isEmpty, "no token service of somebody else's is told the login")
            #expect(
                !world.inner.requests.isEmpty
                    && world.inner.requests.allSatisfy { $0.headers["authorization"] == nil })
            try await world.stop()
        }
    }

    /// Debian's docker-registry behind a server that sends everything on to it, in good and in bad faith.
    @Test(.enabled(if: DockerRegistry.isThere)) func followsToARealRegistry() async throws {
        let registry = try await DockerRegistry(auth: "{}")
        let folder = registry.folder.path
        let image = try TestImage([("a", "one"), ("b", "two")])
        try TestImage.layout(folder + "/layout", [image], index: TestImage.index([image.entry()]))
        try registry.push(folder + "/layout", as: "team/app:v1")
        let target = "https://127.0.0.1:\(registry.port)"
        let front = try await OddRegistry { .text(307, "", [("Location", target + $0.uri)]) }
        var options = ImageSourceOptions()
        options.usesLocalStorage = false
        options.registry.environment = [:]
        options.registry.authorities = registry.certificates.authority
        let name = "127.0.0.1:\(front.port)/team/app:v1"
        #expect(try await LocalImageTests.texts(ImageSources.open(name, options)) == ["a=one", "b=two"])
        // Asked on somebody's word: neither this machine, nor where it leads, unless both are named.
        for (named, isAllowed) in [
            ([front.port], false), ([registry.port], false), ([], false), ([front.port, registry.port], true),
        ] as [([Int], Bool)] {
            options.registry.reach = RegistryReach { host in named.contains { host == "127.0.0.1:\($0)" } }
            let texts = try? await LocalImageTests.texts(ImageSources.open(name, options))
            #expect(texts == (isAllowed ? ["a=one", "b=two"] : nil), "\(named)")
        }
        // By name, too.
        options.registry.reach = RegistryReach { $0 == "127.0.0.1:\(front.port)" }
        let before = front.requests.count
        await #expect { try await ImageSources.open("localhost:\(front.port)/team/app:v1", options) } throws: {
            ($0 as? OCIError)?.code == .unauthorized
        }
        #expect(front.requests.count == before)
        try await front.stop()
    }

    /// A registry with TLS that keeps its blobs at a server without.
    @Test(.enabled(if: DockerRegistry.isThere)) func blobsWithoutTLSNeedLeave() async throws {
        let image = try TestImage([("a", "one")])
        // `/docker/registry/v2/blobs/sha256/ab/ab…/data`
        let storage = try await OddRegistry { request in
            let hex = request.uri.split(separator: "/").dropLast().last.map(String.init) ?? ""
            return image.blobs[hex].map { OddRegistry.Answer(body: $0) } ?? .text(404)
        }
        let registry = try await DockerRegistry(blobsAt: "http://127.0.0.1:\(storage.port)")
        let folder = registry.folder.path
        try TestImage.layout(folder + "/layout", [image], index: TestImage.index([image.entry()]))
        try registry.push(folder + "/layout", as: "team/app:v1")
        var options = RegistryOptions()
        options.environment = [:]
        options.authorities = registry.certificates.authority
        options.login = (DockerRegistry.user, Secret(DockerRegistry.password))
        options.mirrors["registry.example.org"] = ["127.0.0.1:\(registry.port)"]
        let client = try RegistryClient(options)
        // This machine's registries may do without TLS anyway: asked as another.
        for isAllowed in [false, true] {
            var request = RegistryTransport.Request(
                url: "https://127.0.0.1:\(registry.port)/v2/team/app/blobs/\(Digest(of: image.layers[0]))",
                timeout: .seconds(10))
            let login = Data("\(DockerRegistry.user):\(DockerRegistry.password)".utf8).base64EncodedString()
            request.authorization = Secret("Basic " + login)
            request.allowsPlain = isAllowed
            if isAllowed {
                let answer = try await client.transport.send(request)
                #expect(answer.elsewhere == "127.0.0.1")
            } else {
                await #expect { try await client.transport.send(request) } throws: { "\($0)".contains("without TLS") }
                #expect(storage.requests.isEmpty)
            }
        }
        #expect(
            try await LocalImageTests.texts(
                client.image(ImageReference("registry.example.org/team/app:v1"), platform: nil, as: "x")) == ["a=one"])
        #expect(!storage.requests.isEmpty && storage.requests.allSatisfy { $0.headers["authorization"] == nil })
        try await storage.stop()
    }
}

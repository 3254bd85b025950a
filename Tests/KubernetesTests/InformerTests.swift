// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Kubernetes

/// What an informer told, as short words, and a way to wait for it.
final class Told: Sendable {
    private let words = Mutex<[String]>([])

    var all: [String] { words.withLock { $0 } }

    func handle(_ event: InformerEvent) {
        let word =
            switch event {
            case .upsert(let object, nil): "+\(object.identity.name)@\(object.identity.resourceVersion)"
            case .upsert(let object, let old?):
                "\(object.identity.name)@\(old.resourceVersion)>\(object.identity.resourceVersion)"
            case .delete(let identity): "-\(identity.name)"
            case .synced: "synced"
            case .relisted: "relisted"
            }
        words.withLock { $0.append(word) }
    }

    /// Runs `informer` until what it told satisfies `done`, at most some seconds.
    static func run(_ informer: Informer, until done: @escaping @Sendable ([String]) -> Bool) async throws -> [String] {
        let told = Told()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await informer.run { told.handle($0) } }
            let deadline = ContinuousClock.now + .seconds(20)
            while !done(told.all), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
            group.cancelAll()
        }
        return told.all
    }
}

@Suite struct InformerTests {
    /// Answers lists and watches from two scripts, the last entry of each for ever.
    private func server(
        lists: [FakeAPIServer.Reply], watches: [FakeAPIServer.Reply]
    ) async throws -> FakeAPIServer {
        let counts = Mutex((0, 0))
        return try await FakeAPIServer { request in
            counts.withLock {
                if request.query["watch"] == "true" {
                    $0.1 += 1
                    return watches[min($0.1, watches.count) - 1]
                }
                $0.0 += 1
                return lists[min($0.0, lists.count) - 1]
            }
        }
    }

    private func informer(_ server: FakeAPIServer, _ resource: APIResource = .pods) throws -> Informer {
        var options = InformerOptions()
        options.retry = RetryPolicy(attempts: .max, base: .milliseconds(10), ceiling: .milliseconds(40))
        options.relistJitter = .milliseconds(10)
        return try Informer(client(server.url, prepare: { $1.retries = .none }), resource, options: options)
    }

    private static let first = FakeAPIServer.Reply.json(podList([pod("a"), pod("b", version: 2)], version: 5))

    @Test func listsThenWatchesAndRemembersWhereItWas() async throws {
        let server = try await server(
            lists: [Self.first],
            watches: [
                .stream(
                    lines: [line("MODIFIED", pod("a", version: 6)), line("BOOKMARK", pod("", version: 9))], next: .end),
                .stream(
                    lines: [line("DELETED", pod("b", version: 10)), line("ADDED", pod("c", version: 11))], next: .hang),
            ])
        let informer = try informer(server)
        let told = try await Told.run(informer) { $0.count == 6 }
        #expect(told == ["+a@1", "+b@2", "synced", "a@1>6", "-b", "+c@11"])
        let watches = server.requests.filter { $0.query["watch"] != nil }
        #expect(watches.prefix(2).map { $0.query["resourceVersion"] } == ["5", "9"])
        #expect(watches.allSatisfy { $0.query["allowWatchBookmarks"] == "true" })
        #expect(watches.allSatisfy { (240...300).contains(Int($0.query["timeoutSeconds"] ?? "") ?? 0) })
        #expect(Set(informer.identities.map(\.name)) == ["a", "c"])
        let status = informer.status
        #expect(status.isSynced && status.objects == 2 && status.lists == 1 && status.failures == 0)
        try await server.stop()
    }

    @Test func aCutConnectionGoesOnWhereItStopped() async throws {
        let server = try await server(
            lists: [Self.first],
            watches: [
                .stream(lines: [line("MODIFIED", pod("a", version: 6)), #"{"type":"MODI"#], next: .cut), .cut,
                .status(500, "starting"), .answer(status: 200, contentType: "text/html", headers: [], body: "<html>"),
                .stream(lines: [line("ADDED", pod("c", version: 7))], next: .hang),
            ])
        let informer = try informer(server)
        let told = try await Told.run(informer) { $0.last == "+c@7" }
        #expect(told == ["+a@1", "+b@2", "synced", "a@1>6", "+c@7"])
        let from = server.requests.filter { $0.query["watch"] != nil }.map { $0.query["resourceVersion"] }
        #expect(from.prefix(5) == ["5", "6", "6", "6", "6"])
        #expect(informer.status.failures == 4)
        #expect(informer.status.lists == 1)
        try await server.stop()
    }

    @Test(arguments: [
        FakeAPIServer.Reply.status(410, "too old"),
        .stream(lines: [line("ERROR", #"{"kind":"Status","code":410,"message":"too old"}"#)], next: .end),
        .stream(lines: ["no json"], next: .end),
    ]) func afterAGapTheDifferencesAreTold(gap: FakeAPIServer.Reply) async throws {
        let second = FakeAPIServer.Reply.json(
            podList([pod("b", version: 2), pod("c", version: 8), pod("d", uid: "d2", version: 9)], version: 20))
        let server = try await server(
            lists: [
                .json(podList([pod("a"), pod("b", version: 2), pod("d", uid: "d1")], version: 5)), second,
            ], watches: [gap, .stream(lines: [], next: .hang)])
        let informer = try informer(server)
        let told = try await Told.run(informer) { $0.last == "relisted" }
        #expect(told == ["+a@1", "+b@2", "+d@1", "synced", "+c@8", "-d", "+d@9", "-a", "relisted"])
        #expect(informer.status.lists == 2)
        try await server.stop()
    }

    @Test func aListThatExpiresOnTheWayBeginsAnew() async throws {
        let server = try await server(
            lists: [
                .json(podList([pod("a"), pod("b")], version: 5, next: "p2")), .status(410, "too old"),
                .json(podList([pod("b"), pod("c")], version: 9)),
            ], watches: [.stream(lines: [], next: .hang)])
        let told = try await Told.run(informer(server)) { $0.last == "synced" }
        #expect(told == ["+a@1", "+b@1", "+c@1", "-a", "synced"])
        try await server.stop()
    }

    @Test func aSlowReaderStillGetsAWholeList() async throws {
        let server = try await server(
            lists: [
                .json(podList([pod("a")], version: 5, next: "p2")),
                .json(
                    #"{"kind":"Status","message":"too old","code":410,"metadata":{"continue":"newer"}}"#, status: 410),
                .json(podList([pod("c")], version: 9)),
                .json(podList([pod("a", version: 8), pod("b", version: 7), pod("c")], version: 10)),
            ], watches: [.stream(lines: [], next: .hang)])
        let told = try await Told.run(informer(server)) { $0.last == "synced" }
        #expect(told == ["+a@1", "+c@1", "a@1>8", "+b@7", "synced"])
        // Only the last list is of one moment, so only there a watch begins.
        try await server.stop()
    }

    @Test func silenceIsNoticed() async throws {
        let server = try await server(
            lists: [Self.first],
            watches: [
                .stream(lines: [], next: .hang), .stream(lines: [line("ADDED", pod("c", version: 7))], next: .hang),
            ])
        let informer = try informer(server)
        let start = ContinuousClock.now
        let told = try await Told.run(informer) { $0.last == "+c@7" }
        #expect(told.last == "+c@7")
        #expect(start.duration(to: .now) < .seconds(5))
        #expect(informer.status.failures == 1)
        try await server.stop()
    }

    @Test func watchesThatEndAtOnceAreNoStorm() async throws {
        let server = try await server(lists: [Self.first], watches: [.stream(lines: [], next: .end)])
        let informer = try Informer(client(server.url), .pods)
        _ = try await Told.run(informer) { [start = ContinuousClock.now] _ in start.duration(to: .now) > .seconds(2) }
        #expect(informer.status.watches < 10, "\(informer.status.watches) watches in two seconds")
        try await server.stop()
    }

    @Test func aDeniedResourceIsRetriedAndExplained() async throws {
        let server = try await server(lists: [.status(403, "pods is forbidden"), Self.first], watches: [.hang])
        let informer = try informer(server)
        let told = try await Told.run(informer) { $0.last == "synced" }
        #expect(told == ["+a@1", "+b@2", "synced"])
        #expect(informer.status.failures >= 1)
        try await server.stop()
    }

    @Test func whatAReaderThrowsEndsIt() async throws {
        struct Full: Error {}
        let server = try await server(lists: [Self.first], watches: [.hang])
        let informer = try informer(server)
        await #expect(throws: Full.self) { try await informer.run { _ in throw Full() } }
        try await server.stop()
    }

    @Test func oneWatchServesAllReaders() async throws {
        let server = try await server(lists: [Self.first], watches: [.stream(lines: [], next: .hang)])
        let set = try InformerSet(client(server.url))
        let one = Told()
        let two = Told()
        let informer = try set.add(.pods) { one.handle($0) }
        let same = try set.add(.pods) { two.handle($0) }
        #expect(same === informer)
        let other = try set.add(.pods, Selection(namespace: "x")) { _ in }
        #expect(other !== informer)
        #expect(!set.isSynced)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await set.run() }
            while !set.isSynced { try await Task.sleep(for: .milliseconds(5)) }
            group.cancelAll()
        }
        #expect(one.all == ["+a@1", "+b@2", "synced"])
        #expect(two.all == one.all)
        #expect(server.requests.filter { $0.path == "/api/v1/pods" && $0.query["watch"] == nil }.count == 1)
        #expect(throws: KubernetesError.self) { _ = try set.add(.events, reader: { _ in }) }
        try await server.stop()
    }
}

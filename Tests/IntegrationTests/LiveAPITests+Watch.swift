// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Kubernetes
import Synchronization
import TestSupport
import Testing

/// Informers against a real API server that is restarted, forgets its history or cannot be reached: whatever happens,
/// what they told ends equal to a fresh list.
@Suite(.enabled(if: TestCluster.isAvailable), .serialized) struct LiveWatchTests {
    /// What a reader knows from events alone.
    final class Mirror: Sendable {
        struct State {
            var objects: [String: ObjectIdentity] = [:]
            var upserts = 0
            var deletes = 0
            var synced = 0
            var relisted = 0
            /// Events that do not fit what was told before.
            var contradictions: [String] = []
        }
        private let state = Mutex(State())
        var now: State { state.withLock { $0 } }

        func handle(_ event: InformerEvent) {
            state.withLock { state in
                switch event {
                case .upsert(let object, let replaced):
                    let key = object.identity.namespace + "/" + object.identity.name
                    if state.objects[key] != replaced { state.contradictions.append("upsert \(key)") }
                    state.objects[key] = object.identity
                    state.upserts += 1
                case .delete(let identity):
                    let key = identity.namespace + "/" + identity.name
                    if state.objects.removeValue(forKey: key)?.uid != identity.uid {
                        state.contradictions.append("delete \(key)")
                    }
                    state.deletes += 1
                case .synced: state.synced += 1
                case .relisted: state.relisted += 1
                }
            }
        }
    }

    private static func wait(
        _ what: Comment, seconds: Int = 60, _ condition: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Waits until mirror and server agree, then checks that nothing contradictory was told.
    private static func settles(_ mirror: Mirror, _ informer: Informer, _ client: APIClient, _ what: Comment)
        async throws
    {
        try await wait(what) {
            let listed = try await client.everything(.pods)
            return Set(listed) == Set(mirror.now.objects.values)
        }
        #expect(mirror.now.contradictions.isEmpty)
        #expect(Set(informer.identities) == Set(mirror.now.objects.values))
    }

    @Test(.timeLimit(.minutes(10))) func twoThousandPodsThroughEveryTrouble() async throws {
        let cluster = try await TestCluster.start()
        let direct = try cluster.client()
        var namespaces: [String] = []
        for number in 0..<50 { namespaces.append(try await direct.makeNamespace("ns-\(number)")) }
        try await direct.makePods((0..<2000).map { (namespaces[$0 % 50], "pod-\($0)") })

        // Pages.
        var sizes: [Int] = []
        var seen: Set<ObjectIdentity> = []
        for try await page in try direct.list(.pods) {
            sizes.append(page.objects.count)
            seen.formUnion(page.objects.map(\.identity))
            #expect(page.isConsistent)
        }
        #expect(sizes == [500, 500, 500, 500])
        #expect(seen.count == 2000)

        // An informer behind a network that can be cut.
        let proxy = try await TCPProxy(to: try #require(URL(string: direct.connection.server)?.port))
        var connection = direct.connection
        connection.server = "https://127.0.0.1:\(proxy.port)"
        var options = APIClientOptions()
        options.watchIdleTimeout = .seconds(4)
        options.requestTimeout = .seconds(5)
        options.retries = .none
        let client = try APIClient(connection, options: options)
        var patience = InformerOptions()
        patience.retry = RetryPolicy(attempts: .max, base: .milliseconds(100), ceiling: .seconds(1))
        patience.relistJitter = .milliseconds(100)
        let informer = try Informer(client, .pods, options: patience)
        let mirror = Mirror()

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informer.run { mirror.handle($0) } }
            try await Self.wait("the first list") { informer.status.isSynced }
            #expect(mirror.now.objects.count == 2000)

            // Everyday life, told within a second.
            try await Self.wait("the watch") { informer.status.isWatching }
            let started = ContinuousClock.now
            try await Self.change(direct, namespaces, round: 1)
            let changed = ContinuousClock.now
            try await Self.settles(mirror, informer, direct, "create, update, delete")
            print("live: 30 changes made in \(changed - started), settled \(changed.duration(to: .now)) later")
            let relists = mirror.now.relisted

            // The API server restarts while we watch. It is the same history: no new list is needed.
            try await cluster.control("restart-apiserver")
            try await Self.change(direct, namespaces, round: 2)
            try await Self.settles(mirror, informer, direct, "restart")
            #expect(mirror.now.relisted == relists)

            // The network is cut, and things change meanwhile.
            proxy.set(.cut)
            try await Self.wait("noticing the cut") { !informer.status.isWatching }
            try await Self.change(direct, namespaces, round: 3)
            proxy.set(.works)
            try await Self.settles(mirror, informer, direct, "cut network")

            // Packets vanish without a word.
            try await Self.wait("the watch") { informer.status.isWatching }
            proxy.set(.frozen)
            try await Self.change(direct, namespaces, round: 4)
            try await Self.wait("noticing the silence") { !informer.status.isWatching }
            proxy.set(.works)
            try await Self.settles(mirror, informer, direct, "frozen network")

            // The server forgets its history while we are cut off: 410, and the gap is found by listing.
            proxy.set(.cut)
            try await Self.change(direct, namespaces, round: 5)
            try await cluster.control("compact")
            try await cluster.control("restart-apiserver")
            proxy.set(.works)
            try await Self.wait("listing again") { mirror.now.relisted > relists }
            try await Self.settles(mirror, informer, direct, "expired watch")
            #expect(mirror.now.synced == 1)
            let status = informer.status
            print(
                "live: \(status.lists) lists, \(status.watches) watches, \(status.failures) failures, \(status.bytes) B"
            )
            group.cancelAll()
            // Ended by our cancelling; anything else is thrown.
            do { try await group.waitForAll() } catch is CancellationError {}
        }
        try await proxy.stop()
        try await cluster.down()
    }

    /// Ten pods made, ten changed, ten deleted.
    private static func change(_ client: APIClient, _ namespaces: [String], round: Int) async throws {
        try await client.makePods((0..<10).map { (namespaces[$0], "round-\(round)-\($0)") })
        for number in 0..<10 {
            let pod = round * 100 + number
            _ = try await client.patch(
                .pods, namespace: namespaces[pod % 50], name: "pod-\(pod)",
                #"{"metadata":{"labels":{"round":"\#(round)"}}}"#)
            let other = round * 100 + 50 + number
            try await client.delete(.pods, namespace: namespaces[other % 50], name: "pod-\(other)", graceSeconds: 0)
        }
    }

    @Test(.timeLimit(.minutes(5))) func aListWhoseStateExpiresOnTheWay() async throws {
        let cluster = try await TestCluster.start()
        let client = try cluster.client()
        let namespace = try await client.makeNamespace("pages")
        try await client.makePods((0..<30).map { (namespace, "pod-\(10 + $0)") })
        var pages = try client.list(.pods, limit: 10).makeAsyncIterator()
        let first = try #require(try await pages.next())
        try await client.delete(.pods, namespace: namespace, name: "pod-25", graceSeconds: 0)
        try await client.makePods([(namespace, "pod-99")])
        try await cluster.control("compact")
        let second = try #require(try await pages.next())
        let third = try #require(try await pages.next())
        #expect(try await pages.next() == nil)
        #expect(first.isConsistent && !second.isConsistent && !third.isConsistent)
        #expect(first.resourceVersion != second.resourceVersion)
        let names = [first, second, third].flatMap { $0.objects.map(\.identity.name) }
        #expect(names == (10..<40).map { "pod-\($0)" }.filter { $0 != "pod-25" } + ["pod-99"])

        // A watch from before the compaction, once the server's own memory of it is gone too.
        try await cluster.control("restart-apiserver")
        let error = await #expect(throws: KubernetesError.self) {
            for try await _ in try await client.watch(.pods, from: first.resourceVersion, timeout: .seconds(5)) {}
        }
        #expect(error?.code == .expired)
        try await cluster.down()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Kubernetes
import PodSecurity
import Store
import TestSupport
import Testing

/// The ledger of a watched cluster against a real API server that is changed all the time, restarted, forgets its
/// history and cannot be reached: in the end it equals a fresh full inspection.
@Suite(.enabled(if: TestCluster.isAvailable), .serialized) struct LiveLedgerTests {
    @Test(.timeLimit(.minutes(15))) func theLedgerEqualsAFreshFullInspection() async throws {
        let cluster = try await TestCluster.start()
        let bench = try await LiveBench(cluster)
        let started = ContinuousClock.now
        let world = try await LiveWorld(bench.direct, namespaces: 50)
        try await world.populate(pods: 2000, seed: 1)
        #expect(try await bench.direct.everything(.pods).count == 2000)
        print("live ledger: 2000 pods and all else made in \(started.duration(to: .now))")
        try await bench.run {
            try await LiveBench.wait("the first inspection") { bench.isAtRest }
            #expect(bench.service.progress.phase == .finished, "\(bench.service.progress.message)")
            print("live ledger: first inspection \(bench.service.durations)")
            try await bench.expectEqual("the start")

            // Everyday life, with inspections in the middle of it.
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await world.churn(1200, seed: 100) }
                for _ in 0..<3 { #expect(try await bench.inspect() == .finished, "\(bench.service.progress.message)") }
                try await group.waitForAll()
            }
            try await bench.expectEqual("changes during inspections")

            // The API server restarts, once in the middle of an inspection.
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await world.churn(400, seed: 200) }
                group.addTask { _ = bench.service.start() }
                try await cluster.control("restart-apiserver")
                try await group.waitForAll()
            }
            try await bench.expectEqual("a restart of the API server")

            // The network is cut while things change, during an inspection too; then packets vanish.
            _ = bench.service.start()
            bench.proxy.set(.cut)
            try await world.churn(300, seed: 300)
            bench.proxy.set(.works)
            try await world.churn(50, seed: 301)
            bench.proxy.set(.frozen)
            try await world.churn(100, seed: 302)
            bench.proxy.set(.works)
            try await bench.expectEqual("a cut and a frozen network")

            // The server forgets its history while nobody can watch: 410.
            bench.proxy.set(.cut)
            try await world.churn(300, seed: 400)
            try await cluster.control("compact")
            try await cluster.control("restart-apiserver")
            bench.proxy.set(.works)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await world.churn(200, seed: 401) }
                _ = bench.service.start()
                try await group.waitForAll()
            }
            try await bench.expectEqual("an expired watch")

            // A report that is made in quiet says the same once more, and changes nothing.
            #expect(try await bench.inspect() == .finished)
            try await bench.expectEqual("a last inspection")
            let (problems, summary) = try await bench.fresh()
            let last = try #require(try await bench.store.ledger.reports(states: [.complete], limit: 1).first)
            #expect(last.summary == summary)
            var shown = 0
            while true {
                let page = try await bench.store.ledger.problems(in: last.id, limit: 1000, offset: shown)
                if page.isEmpty { break }
                shown += page.count
            }
            #expect(shown == problems.count)
            #expect(try await bench.store.ledger.reportCount(states: [.running]) == 0)
            print(
                "live ledger: inspections took \(bench.service.durations.map { Int($0 * 1000) }) ms; all in \(started.duration(to: .now))"
            )
        }
        try await cluster.down()
    }

    @Test(.timeLimit(.minutes(5))) func aChangeIsRecordedWithinASecond() async throws {
        let cluster = try await TestCluster.start()
        let bench = try await LiveBench(cluster)
        let world = try await LiveWorld(bench.direct, namespaces: 10)
        try await world.populate(pods: 400, seed: 2)
        try await bench.run {
            try await LiveBench.wait("the first inspection") { bench.isAtRest }
            try await bench.quiet("the start")
            var own: [Duration] = []
            var dependent: [Duration] = []
            for number in 0..<15 {
                // An object's own field.
                let namespace = world.namespaces[number % 10]
                let name = "fresh-\(number)"
                let started = ContinuousClock.now
                _ = try await bench.direct.create(
                    .pods, namespace: namespace,
                    .json(
                        #"{"metadata":{"name":"\#(name)","labels":{"quick":"yes"}},"spec":{"hostNetwork":true,"#
                            + #""containers":[{"name":"c","image":"a.example/b:1"}]}}"#))
                let pod = Subject(
                    cluster: bench.source.name, apiVersion: "v1", kind: "Pod", namespace: namespace, name: name)
                try await LiveBench.wait("the pod's findings") {
                    try await bench.store.ledger.workload(pod).contains { $0.path == "spec.hostNetwork" }
                }
                own.append(started.duration(to: .now))

                // What a network policy says about a pod.
                let isolation: @Sendable () async throws -> Finding? = {
                    try await bench.store.ledger.workload(pod).first { $0.message.hasPrefix("No network policy") }
                }
                // The world's own policies may cover every pod of the namespace.
                guard try await isolation()?.status == .new else { continue }
                let policies = try #require(world.kinds.resource(.networkPolicy))
                let changed = ContinuousClock.now
                _ = try await bench.direct.create(
                    policies, namespace: namespace,
                    .json(#"{"metadata":{"name":"quick"},"spec":{"podSelector":{"matchLabels":{"quick":"yes"}}}}"#))
                try await LiveBench.wait("the policy's effect") { try await isolation()?.status == .resolved }
                dependent.append(changed.duration(to: .now))
                try await bench.direct.delete(policies, namespace: namespace, name: "quick")
                try await LiveBench.wait("the policy's end") { try await isolation()?.status == .new }
            }
            own.sort()
            dependent.sort()
            print("live latency: own change median \(own[own.count / 2]), worst \(own.last ?? .zero)")
            #expect(own[own.count / 2] < .seconds(1))
            #expect(own.count == 15)
            try #require(dependent.count >= 3)
            print(
                "live latency: effect on others median \(dependent[dependent.count / 2]), "
                    + "worst \(dependent.last ?? .zero) of \(dependent.count)")
            #expect(dependent[dependent.count / 2] < .seconds(1))
        }
        try await cluster.down()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Kubernetes
import PodSecurity
import Store
import TestSupport
import Testing

/// The ledger of a watched cluster against a real API server that changes.
@Suite(.enabled(if: TestCluster.isAvailable), .serialized) struct LiveLedgerTests {
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

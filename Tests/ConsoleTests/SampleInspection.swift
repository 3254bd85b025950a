// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Console
import Documents
import Findings
import Foundation
import PodSecurity
import Store
import Synchronization

/// Inspects the sample shop and a few hostile manifests with the real checks, slowly enough to be watched.
final class SampleInspection: InspectionControl {
    struct State {
        var progress = InspectionProgress()
        var schedule = "0 * * * *"
        var metrics = InspectionMetrics()
        var ready = true
    }

    /// A password in clear, which nothing may show, and names that would be markup.
    static let secret = "hunter2-correct-horse"
    static let hostile = """
        apiVersion: v1
        kind: Pod
        metadata: {name: "<script>alert(1)</script>", namespace: "x\\"\\u0301 onfocus=alert(1)"}
        spec:
          containers:
          - name: "'\\"><img src=x onerror=alert(2)>"
            image: "nginx:latest"
            env: [{name: DB_PASSWORD, value: \(secret)}]
            securityContext: {privileged: true}
        """

    let scope = "examples/shop"
    let store: Store
    /// Seconds that each object takes in a run that `start` began.
    let pace: Duration
    let now: @Sendable () -> Int64
    private let state = Mutex(State())

    init(store: Store, pace: Duration, now: @escaping @Sendable () -> Int64) {
        self.store = store
        self.pace = pace
        self.now = now
    }

    // MARK: InspectionControl

    func start(by: String) async throws -> Bool {
        let began = state.withLock { state in
            guard !state.progress.phase.isRunning else { return false }
            state.progress = InspectionProgress(phase: .reading, started: now())
            return true
        }
        guard began else { return false }
        Task {
            do { try await inspect(pace: pace) } catch {
                state.withLock { $0.progress = InspectionProgress(phase: .failed, message: "\(error)") }
            }
        }
        return true
    }

    func progress() async -> InspectionProgress { state.withLock { $0.progress } }

    func schedule() async -> InspectionSchedule {
        let text = state.withLock { $0.schedule }
        return InspectionSchedule(text: text, next: (try? preview(schedule: text, now: now())) ?? [])
    }

    func preview(schedule text: String, now: Int64) throws -> [Int64] {
        if text.isEmpty { return [] }
        guard text.split(separator: " ").count == 5 else {
            throw ConsoleError(.invalid, "A schedule has five fields, as 0 * * * *.")
        }
        return (1...5).map { (now / 3600 + $0) * 3600 }
    }

    func setSchedule(_ text: String, by: String) async throws { state.withLock { $0.schedule = text } }

    func suggestedPatch(for subject: Subject) async -> String? {
        subject.kind == "Deployment"
            ? "--- a/\(subject.name).yaml\n+++ b/\(subject.name).yaml\n@@ -1,2 +1,3 @@\n spec:\n-  hostNetwork: true\n+  hostNetwork: false\n"
            : nil
    }

    func readiness() async -> [ReadinessPart] {
        let ready = state.withLock { $0.ready }
        return [ReadinessPart(name: "informers", ready: ready, message: ready ? "" : "Pod is not synced")]
    }

    func metrics() async -> InspectionMetrics { state.withLock { $0.metrics } }

    func setReady(_ ready: Bool) { state.withLock { $0.ready = ready } }

    // MARK: Inspecting

    /// A whole run. Files named in `without` are left out, as if they had been removed.
    func inspect(without: Set<String> = [], pace: Duration = .zero) async throws {
        let began = ContinuousClock.now
        let report = try await store.ledger.beginReport(cluster: "", trigger: pace == .zero ? .schedule : .demand)
        let (objects, summary) = try Self.judge(without: without)
        for (index, object) in objects.enumerated() {
            state.withLock {
                $0.progress = InspectionProgress(
                    phase: .judging, done: index, total: objects.count, started: now(), report: report)
            }
            if pace > .zero { try await Task.sleep(for: pace) }
            try await store.ledger.record([object], report: report)
        }
        try await store.ledger.finishReport(report, summary: summary)
        let spent = began.duration(to: .now).components
        state.withLock {
            $0.progress = InspectionProgress(
                phase: .finished, done: objects.count, total: objects.count, started: now(), finished: now(),
                report: report)
            $0.metrics.objects = [("Pod", objects.count)]
            $0.metrics.durations.add(Double(spent.seconds))
        }
    }

    private static func judge(without: Set<String>) throws -> ([InspectedObject], Summary) {
        var texts = [("hostile.yaml", hostile)]
        for name in try FileManager.default.contentsOfDirectory(atPath: "examples/shop").sorted()
        where name.hasSuffix(".yaml") && !without.contains(name) {
            texts.append((name, try String(contentsOfFile: "examples/shop/" + name, encoding: .utf8)))
        }
        var inspector = Inspector(try Catalogue.embedded())
        inspector.masking = Masking(key: Array(repeating: 7, count: 32))
        var tally = Tally()
        var documents: [Document] = []
        for (name, text) in texts {
            var reader = YAMLReader(Array(text.utf8), source: name)
            while let document = reader.next() { documents.append(try document.get()) }
        }
        var found: [FoundObject] = []
        for document in documents {
            FoundObject.all(in: document.root, problem: { _, _ in }, body: { found.append($0) })
        }
        for object in found { if let kind = object.kind { inspector.context.add(object.object, kind: kind) } }
        var inspected: [InspectedObject] = []
        for object in found {
            guard let kind = object.kind else { continue }
            tally.objects += 1
            var results: [CheckResult] = []
            inspector.inspect(.init(object: object.object, kind: kind, subject: object.subject), tally: &tally) {
                if $0.outcome.isProblem || $0.exemption != nil { results.append($0) }
            }
            inspected.append(InspectedObject(subject: object.subject, results: results))
        }
        return (inspected, tally.summary)
    }
}

final class TestClock: Sendable {
    private let value: Mutex<Int64>

    init(_ start: Int64 = 1_790_000_000) { value = Mutex(start) }

    var now: Int64 { value.withLock { $0 } }

    func advance(_ seconds: Int64) { value.withLock { $0 += seconds } }
}

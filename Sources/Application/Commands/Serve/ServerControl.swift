// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Console
import Findings
import Foundation
import PodSecurity
import Store

/// The console's handle on the inspection service.
struct ServerControl: InspectionControl {
    let service: InspectionService
    let store: Store
    /// Of scans of images, where there are any.
    var imageMetrics: (@Sendable () async -> ImageMetrics)?
    /// Of the webhooks, where this server answers them.
    var admissionMetrics: AdmissionMetrics?

    var scope: String { service.source.name }

    func start(by: String) async throws -> Bool { service.start(.demand) }

    func progress() async -> InspectionProgress {
        let now = service.progress
        let phase: InspectionProgress.Phase =
            switch now.phase {
            case .idle: .idle
            case .waiting: .reading
            case .judging: .judging
            case .finished: .finished
            case .failed: .failed
            }
        return InspectionProgress(
            phase: phase, done: now.done, total: now.total, started: now.started, finished: now.finished,
            message: now.message, report: now.report)
    }

    func schedule() async -> InspectionSchedule {
        let text = (try? await store.settings().schedule) ?? ""
        let next = try? preview(schedule: text, now: Store.wallClock())
        return InspectionSchedule(text: text, next: next ?? [])
    }

    func preview(schedule text: String, now: Int64) throws -> [Int64] {
        text.isEmpty ? [] : try CronSchedule(text).next(5, after: now)
    }

    func setSchedule(_ text: String, by: String) async throws {
        let schedule = text.isEmpty ? nil : try CronSchedule(text)
        var settings = try await store.settings()
        settings.schedule = text
        try await store.update(settings)
        service.setSchedule(schedule)
    }

    func suggestedPatch(for subject: Subject) async -> String? {
        try? await service.source.suggestedPatch(for: subject)
    }

    func readiness() async -> [ReadinessPart] {
        service.source.health().map { ReadinessPart(name: $0.kind, ready: $0.isReady, message: $0.message) }
    }

    func metrics() async -> InspectionMetrics {
        var durations = DurationHistogram()
        for seconds in service.durations { durations.add(seconds) }
        let health = service.source.health()
        var metrics = InspectionMetrics(
            objects: health.map { ($0.kind, $0.objects) }, watchRestarts: health.map { ($0.kind, $0.restarts) },
            durations: durations)
        metrics.images = await imageMetrics?()
        metrics.others = admissionMetrics?.text ?? ""
        return metrics
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ImageScanning
import OCI
import Secrets
import Synchronization

/// Reads one image of a registry, and judges what was read.
package struct ImageReader: Sendable {
    package var source: any ImageSource
    package var scanner = ImageScanner()
    /// Looks into the image's configuration; nil to leave it.
    package var secrets: SecretScanner?
    package var judgesConfiguration = true
    package var exceptions = Exceptions()
    /// For one image in all.
    package var timeLimit = Duration.seconds(1800)

    package init(_ source: any ImageSource) { self.source = source }

    /// Reads an image by its digest, under the first of its names under which a registry has it.
    /// - Throws: `OCIError`; `CancellationError`.
    func read(
        _ references: [String], digest: String, progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void
    ) async throws -> (report: ImageReport, size: Int64) {
        // Fetches end with the task; this ends what reads without looking up.
        let deadline = ScanDeadline(after: timeLimit + .seconds(1), text: "\(timeLimit.components.seconds) s")
        return try await limited {
            var first: OCIError?
            for text in references.prefix(3) {
                do { return try await read(text, digest, deadline, progress) } catch let error as OCIError {
                    if first == nil { first = error }
                    // Only what a registry does not have may be somewhere else under another name.
                    guard error.isLasting else { break }
                }
            }
            throw first ?? OCIError(.notFound, "no pod names a registry that has this image")
        }
    }

    private func read(
        _ text: String, _ digest: String, _ deadline: ScanDeadline, _ progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws -> (ImageReport, Int64) {
        var reference = try ImageReference(text)
        let named = reference.description
        reference.tag = nil
        reference.digest = try Digest(digest)
        var image = try await source.image(reference)
        progress(0, image.layers.count)
        // A layer that could not be had is no property of the image: another try may bring it.
        let failure = FirstFailure()
        for index in image.layers.indices {
            let fetch = image.layers[index].fetch
            image.layers[index].fetch = { () async throws(OCIError) in
                do throws(OCIError) { return try await fetch() } catch {
                    failure.note(error)
                    throw error
                }
            }
        }
        var scanner = scanner
        scanner.onProgress = progress
        scanner.deadline = deadline
        var report = ImageReport(image, await scanner.inventory(of: image))
        try Task.checkCancellation()
        if let error = failure.error, !error.isLasting { throw error }
        let size = image.layers.reduce(Int64(0)) { $0 &+ max($1.size, 0) }
        // By the name that people know.
        report.name = named
        report.reference = named
        if judgesConfiguration, let secrets { report.judge(image.configuration, secrets: secrets) }
        return (report, size)
    }

    /// Judges what was read. Without advisories the report is not whole: no vulnerability is known of, not even that there
    /// is none.
    func judge(_ report: inout ImageReport, by advisories: CurrentAdvisories.Held, now: Int64) {
        guard let database = advisories.database else {
            let count = report.inventory.packages.count
            if count > 0 {
                report.inventory.problems.add(
                    ScanProblem(
                        "there are no advisories yet: \(count) package\(count == 1 ? " was" : "s were") not judged"))
            }
            return
        }
        VulnerabilityMatcher(database).judge(&report)
        report.advisories = advisories.state
        exceptions.apply(to: &report, now: now)
    }

    private func limited<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let limit = timeLimit
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask(executorPreference: ScanThreads.shared) { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else {
                throw OCIError(.tooLarge, "it took longer than \(limit.components.seconds) s, which is the limit")
            }
            return value
        }
    }
}

/// The first failure of several layers.
private final class FirstFailure: Sendable {
    private let first = Mutex<OCIError?>(nil)

    var error: OCIError? { first.withLock { $0 } }

    func note(_ error: OCIError) { first.withLock { $0 = $0 ?? error } }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import OCI

/// When the scan of one image has to end. It is looked at between pieces of what is read and fetched; what came before
/// counts, and the report says that the rest is missing.
package struct ScanDeadline: Sendable {
    package static let none = ScanDeadline()
    private let end: ContinuousClock.Instant?
    private let isPast: @Sendable () -> Bool
    private let text: String

    private init() {
        (end, text) = (nil, "")
        isPast = { false }
    }

    /// - Parameter text: the span as the user wrote it.
    package init(after span: Duration, text: String) {
        let end = ContinuousClock.now + span
        self.end = end
        self.text = "the time limit of \(text) for the image is over"
        isPast = { ContinuousClock.now >= end }
    }

    /// For tests: over when they say so, and for the network after a span.
    init(network span: Duration? = nil, isPast: @escaping @Sendable () -> Bool) {
        (end, text) = (span.map { ContinuousClock.now + $0 }, "the time limit is over")
        self.isPast = isPast
    }

    var isOver: Bool { isPast() }
    var problem: ScanProblem { ScanProblem(text) }

    func check() throws(ArchiveError) { if isOver { throw ArchiveError(.tooLarge, text) } }

    /// Waits for something of the network until the limit.
    /// - Throws: `cancelled` when it is over.
    package func limit<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(OCIError) -> Value
    ) async throws(OCIError) -> Value {
        if isOver { throw OCIError(.cancelled, text) }
        guard let end else { return try await body() }
        let result = await withTaskGroup(of: Result<Value, OCIError>?.self) { tasks in
            tasks.addTask {
                do throws(OCIError) { return .success(try await body()) } catch { return .failure(error) }
            }
            tasks.addTask {
                try? await Task.sleep(until: end, clock: .continuous)
                return nil
            }
            let first = await tasks.next() ?? nil
            tasks.cancelAll()
            return first
        }
        guard let result else { throw OCIError(.cancelled, text) }
        return try result.get()
    }
}

/// Bytes that end with the time for them.
final class TimedSource: ByteSource {
    private let inner: any ByteSource
    private let deadline: ScanDeadline

    init(_ inner: any ByteSource, _ deadline: ScanDeadline) { (self.inner, self.deadline) = (inner, deadline) }

    func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
        try deadline.check()
        return try inner.next()
    }
}

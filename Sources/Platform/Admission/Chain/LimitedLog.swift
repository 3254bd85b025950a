// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Logging
import Synchronization

/// A log for what may happen a thousand times a second: one line for each kind in ten seconds, with the number of those
/// that were left out.
package final class LimitedLog: Sendable {
    private struct Kind {
        var last: ContinuousClock.Instant
        var omitted = 0
    }

    private static let interval = Duration.seconds(10)
    /// Kinds are few and ours; this bounds them whatever happens.
    private static let maxKinds = 256

    private let logger: Logger
    private let kinds = Mutex<[String: Kind]>([:])

    package init(_ logger: Logger) { self.logger = logger }

    package func warning(
        _ kind: String, _ message: @autoclosure () -> Logger.Message, metadata: @autoclosure () -> Logger.Metadata
    ) {
        let now = ContinuousClock.now
        let omitted = kinds.withLock { kinds -> Int? in
            if let known = kinds[kind], now - known.last < Self.interval {
                kinds[kind]?.omitted += 1
                return nil
            }
            if kinds.count >= Self.maxKinds { kinds.removeAll() }
            let omitted = kinds[kind]?.omitted ?? 0
            kinds[kind] = Kind(last: now)
            return omitted
        }
        guard let omitted else { return }
        var metadata = metadata()
        if omitted > 0 { metadata["omitted"] = "\(omitted)" }
        logger.warning(message(), metadata: metadata)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// Answers each connection on the thread that reads and writes it. A review takes some tens of microseconds; handing it to
/// another thread and back would cost more than that.
struct LoopChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    private let executors = LoopExecutors()

    init(_ base: HTTP1Channel) { self.base = base }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger)
    }

    func handle(value: Value, logger: Logger) async {
        await withTaskExecutorPreference(executors[value.channel.eventLoop]) {
            await base.handle(value: value, logger: logger)
        }
    }
}

/// Runs tasks on one event loop.
private final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// One executor for each loop.
private final class LoopExecutors: Sendable {
    private let byLoop = Mutex<[ObjectIdentifier: LoopExecutor]>([:])

    subscript(loop: any EventLoop) -> LoopExecutor {
        byLoop.withLock { known in
            if let executor = known[ObjectIdentifier(loop)] { return executor }
            let executor = LoopExecutor(loop)
            known[ObjectIdentifier(loop)] = executor
            return executor
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Dispatch

/// Threads for reading and judging images, which is work of minutes without a pause: on the threads that all of Swift's
/// concurrency shares it would hold up the server's answers.
final class ScanThreads: TaskExecutor {
    static let shared = ScanThreads()
    private let queue = DispatchQueue(label: "bulwark.images", qos: .utility, attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        queue.async { job.runSynchronously(on: executor) }
    }
}

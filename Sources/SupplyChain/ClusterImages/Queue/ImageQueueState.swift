// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What the queue does just now. Times are seconds since 1970.
package struct ImageQueueState: Sendable, Equatable {
    package struct Job: Sendable, Equatable {
        package var reference: String
        package var digest: String
        package var layersDone = 0
        /// 0 until the manifest is read.
        package var layers = 0
        package var started: Int64
    }

    package var running: [Job] = []
    /// Images that want a scan or a judgement and have none yet; those beyond the first thousand are not counted.
    package var waiting = 0
    /// Since the start of the process.
    package var scans = 0
    package var judgements = 0
    package var failures = 0
    /// Of all scans together, failed ones too.
    package var seconds: Double = 0
    /// Registries that are left alone for a while.
    package var heldRegistries = 0
    /// Of the oldest advisories; nil without any.
    package var advisoriesUpdated: Int64?
    package var advisoryRecords = 0
    /// Why nothing is judged, in a sentence with what to do; empty when all is well.
    package var problem = ""

    package init() {}
}

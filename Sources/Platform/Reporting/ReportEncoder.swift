// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// Turns a run's results into one text. `begin`, then `add` for every result with the results of a subject together,
/// then `finish`, which hands the last bytes to the sink.
package protocol ReportEncoder {
    mutating func begin(_ context: ReportContext)
    mutating func add(_ result: CheckResult)
    mutating func finish(_ summary: Summary)
}

/// What a report says about its run. Nothing here reads a clock: equal input gives equal bytes.
package struct ReportContext: Sendable {
    package var toolVersion: String
    /// When the run began, in seconds since 1970.
    package var time: Int64
    /// What was inspected, in words: paths, or a cluster's name.
    package var source: String
    /// The checks that took part, in any order.
    package var checks: [Check]
    /// The cluster's name; empty for files.
    package var cluster: String

    package init(toolVersion: String, time: Int64, source: String, checks: [Check], cluster: String = "") {
        self.toolVersion = toolVersion
        self.time = time
        self.source = source
        self.checks = checks
        self.cluster = cluster
    }

    /// The checks by id: the order of every list of checks in a report.
    var sortedChecks: [Check] { checks.sorted { $0.id < $1.id } }
}

/// The names of `--output`.
package enum OutputFormat: String, Sendable, CaseIterable {
    case table
    case json
    case yaml
    case sarif
    case junit
    case html
    case policyreport
}

/// What a format may be told.
package struct EncodingOptions: Sendable {
    /// Columns of the terminal; the table keeps within 40 to 200.
    package var width: Int
    /// Whether the table may use terminal colours.
    package var colour: Bool
    /// Whether passes and exempted failures are listed too.
    package var showAll: Bool
    /// The absolute directory to which SARIF's file names are relative; empty leaves names as the user gave them.
    package var baseDirectory: String
    /// Which of the two PolicyReport APIs is written.
    package var policyReportAPI: PolicyReportAPI

    package init(
        width: Int = 100, colour: Bool = false, showAll: Bool = false, baseDirectory: String = "",
        policyReportAPI: PolicyReportAPI = .wgpolicy
    ) {
        self.width = width
        self.colour = colour
        self.showAll = showAll
        self.baseDirectory = baseDirectory
        self.policyReportAPI = policyReportAPI
    }
}

/// The encoder of a format, writing to `sink` in blocks of about 256 KB.
package func makeEncoder(
    _ format: OutputFormat, options: EncodingOptions = EncodingOptions(), sink: @escaping OutputBuffer.Sink
) -> any ReportEncoder {
    let output = OutputBuffer(sink: sink)
    return switch format {
    case .table: TableEncoder(output: output, options: options)
    case .json: DataEncoder(.json, output: output)
    case .yaml: DataEncoder(.yaml, output: output)
    case .sarif: SARIFEncoder(output: output, options: options)
    case .junit: JUnitEncoder(output: output)
    case .html: HTMLEncoder(output: output, options: options)
    case .policyreport: PolicyReportEncoder(output: output, options: options)
    }
}

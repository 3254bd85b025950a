// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// Stand-in text so that the package builds; replaced by the page below.
struct HTMLEncoder: ReportEncoder {
    init(output: OutputBuffer, options: EncodingOptions) {}
    mutating func begin(_ context: ReportContext) {}
    mutating func add(_ result: CheckResult) {}
    mutating func finish(_ summary: Summary) {}
}
package enum PolicyReportAPI: String, Sendable { case wgpolicy, openreports }
struct PolicyReportEncoder: ReportEncoder {
    init(output: OutputBuffer, options: EncodingOptions) {}
    mutating func begin(_ context: ReportContext) {}
    mutating func add(_ result: CheckResult) {}
    mutating func finish(_ summary: Summary) {}
}

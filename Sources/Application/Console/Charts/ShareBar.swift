// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// A thin bar that is filled to a part of its width, in the colours of the severities.
enum ShareBar {
    static func draw(_ parts: [(severity: Severity, count: Int)], of total: Int) -> Markup {
        var html = "<svg class=\"share\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
        html += "<rect class=\"track\" width=\"100\" height=\"8\"/>"
        var x = 0.0
        for (severity, count) in parts where count > 0 && total > 0 {
            // A single one among thousands is still seen.
            let width = min(max(Double(count) / Double(total) * 100, 1), 100 - x)
            html += "<rect class=\"s\(severity.rawValue)\" x=\"\(Markup.coordinate(x))\" "
            html += "width=\"\(Markup.coordinate(width))\" height=\"8\"/>"
            x += width
        }
        return Markup(html: html + "</svg>")
    }
}

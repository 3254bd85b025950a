// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Reporting

/// Problems by severity and the score, run by run: stacked bars with a line over them.
enum TrendChart {
    struct Run: Sendable {
        var id: Int64
        var time: Int64
        var score: Int
        /// Worst first.
        var counts: [(severity: Severity, count: Int)]
    }

    private static let (width, height) = (560.0, 200.0)
    private static let (left, right, top, bottom) = (38.0, 30.0, 10.0, 24.0)

    /// `runs` from the oldest to the newest.
    static func draw(_ runs: [Run]) -> Markup {
        let most = runs.map { $0.counts.reduce(0) { $0 + $1.count } }.max() ?? 0
        let peak = ceiling(max(most, 1))
        let (inner, tall) = (width - left - right, height - top - bottom)
        let step = inner / Double(max(runs.count, 1))
        var html = "<svg class=\"trend\" viewBox=\"0 0 \(Markup.coordinate(width)) \(Markup.coordinate(height))\" "
        html += "role=\"img\" aria-label=\"Problems and score of the last \(Words.plural(runs.count, "run"))\">"
        for part in 0...4 {
            let y = top + tall * Double(4 - part) / 4
            html += "<line class=\"grid\" x1=\"\(Markup.coordinate(left))\" x2=\"\(Markup.coordinate(width - right))\" "
            html += "y1=\"\(Markup.coordinate(y))\" y2=\"\(Markup.coordinate(y))\"/>"
            guard part % 2 == 0 else { continue }
            html += text(short(peak * part / 4), x: left - 6, y: y + 4, "end")
            html += text(String(100 * part / 4), x: width - right + 6, y: y + 4, "start", "score")
        }
        var points: [String] = []
        for (index, run) in runs.enumerated() {
            let x = left + step * Double(index)
            let bar = min(step * 0.7, 28)
            let middle = x + step / 2
            var y = top + tall
            html += "<a href=\"/reports/\(run.id)\"><g class=\"run\"><title>\(label(run))</title>"
            html += "<rect class=\"hit\" x=\"\(Markup.coordinate(x))\" y=\"\(Markup.coordinate(top))\" "
            html += "width=\"\(Markup.coordinate(step))\" height=\"\(Markup.coordinate(tall))\"/>"
            for (severity, count) in run.counts.reversed() where count > 0 {
                let size = tall * Double(count) / Double(peak)
                y -= size
                html += "<rect class=\"s\(severity.rawValue)\" x=\"\(Markup.coordinate(middle - bar / 2))\" "
                html += "y=\"\(Markup.coordinate(y))\" width=\"\(Markup.coordinate(bar))\" "
                html += "height=\"\(Markup.coordinate(size))\"/>"
            }
            html += "</g></a>"
            let point = top + tall * (1 - Double(run.score) / 100)
            points.append("\(Markup.coordinate(middle)),\(Markup.coordinate(point))")
        }
        html += "<polyline class=\"score\" points=\"\(points.joined(separator: " "))\"/>"
        for point in points {
            let parts = point.split(separator: ",")
            html += "<circle class=\"score\" cx=\"\(parts[0])\" cy=\"\(parts[1])\" r=\"3\"/>"
        }
        if let first = runs.first, let last = runs.last {
            html += text(day(first.time), x: left, y: height - 6, "start")
            if runs.count > 1 { html += text(day(last.time), x: width - right, y: height - 6, "end") }
        }
        return Markup(html: html + "</svg>")
    }

    private static func label(_ run: Run) -> String {
        let counts = run.counts.filter { $0.count > 0 }.map { "\($0.count) \($0.severity)" }.joined(separator: ", ")
        return Markup.escape(
            "Report \(run.id), \(Timestamp.readable(run.time)): score \(run.score), "
                + (counts.isEmpty ? "no problems" : counts))
    }

    private static func day(_ time: Int64) -> String { String(Timestamp.readable(time).prefix(16)) }

    static func text(_ text: String, x: Double, y: Double, _ anchor: String, _ style: String = "") -> String {
        "<text class=\"axis \(style)\" x=\"\(Markup.coordinate(x))\" y=\"\(Markup.coordinate(y))\" "
            + "text-anchor=\"\(anchor)\">\(Markup.escape(text))</text>"
    }

    /// The next number of the form 4, 8, 12, 20, 40 … at or above `value`, which divides into four.
    static func ceiling(_ value: Int) -> Int {
        var scale = 1
        while true {
            for step in [4, 8, 12, 20, 40] where step * scale >= value { return step * scale }
            scale *= 10
        }
    }

    static func short(_ value: Int) -> String {
        switch value {
        case ..<10_000: String(value)
        case ..<1_000_000: "\(value / 1000)k"
        default: "\(value / 1_000_000)M"
        }
    }
}

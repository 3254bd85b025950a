// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Reporting

/// Vulnerabilities of what ran, day by day: stacked bars by severity, and a line for those that an upgrade mends.
enum ImageTrendChart {
    private static let (width, height) = (560.0, 190.0)
    private static let (left, right, top, bottom) = (44.0, 12.0, 10.0, 24.0)

    /// `points` from the oldest to the newest.
    static func draw(_ points: [ImageTrendPoint]) -> Markup {
        let peak = TrendChart.ceiling(max(points.map { max(total($0), $0.fixable) }.max() ?? 0, 1))
        let (inner, tall) = (width - left - right, height - top - bottom)
        let step = inner / Double(max(points.count, 1))
        var html = "<svg class=\"trend\" viewBox=\"0 0 \(Markup.coordinate(width)) \(Markup.coordinate(height))\" "
        html += "role=\"img\" aria-label=\"Vulnerabilities of the last \(Words.plural(points.count, "day"))"
        html += "\(points.last.map { ": \(Markup.escape(words($0)))" } ?? "")\">"
        for part in [0, 2, 4] {
            let y = top + tall * Double(4 - part) / 4
            html += "<line class=\"grid\" x1=\"\(Markup.coordinate(left))\" x2=\"\(Markup.coordinate(width - right))\" "
            html += "y1=\"\(Markup.coordinate(y))\" y2=\"\(Markup.coordinate(y))\"/>"
            html += TrendChart.text(TrendChart.short(peak * part / 4), x: left - 6, y: y + 4, "end")
        }
        var line: [(x: Double, y: Double)] = []
        for (index, point) in points.enumerated() {
            let x = left + step * Double(index)
            let (bar, middle) = (min(step * 0.7, 28), x + step / 2)
            var y = top + tall
            html += "<g class=\"run\"><title>\(Markup.escape("\(day(point.time)): \(words(point))"))</title>"
            html += "<rect class=\"hit\" x=\"\(Markup.coordinate(x))\" y=\"\(Markup.coordinate(top))\" "
            html += "width=\"\(Markup.coordinate(step))\" height=\"\(Markup.coordinate(tall))\"/>"
            // The worst stand on the ground, where bars of several days are compared.
            for severity in Severity.allCases.reversed() {
                guard let count = point.vulnerabilities[severity], count > 0 else { continue }
                let size = tall * Double(count) / Double(peak)
                y -= size
                html += "<rect class=\"s\(severity.rawValue)\" x=\"\(Markup.coordinate(middle - bar / 2))\" "
                html += "y=\"\(Markup.coordinate(y))\" width=\"\(Markup.coordinate(bar))\" "
                html += "height=\"\(Markup.coordinate(size))\"/>"
            }
            html += "</g>"
            line.append((middle, top + tall * (1 - Double(max(0, point.fixable)) / Double(peak))))
        }
        let places = line.map { "\(Markup.coordinate($0.x)),\(Markup.coordinate($0.y))" }
        html += "<polyline class=\"score\" points=\"\(places.joined(separator: " "))\"/>"
        if let end = line.last {
            html += "<circle class=\"score\" cx=\"\(Markup.coordinate(end.x))\" cy=\"\(Markup.coordinate(end.y))\" "
            html += "r=\"3\"/>"
        }
        if let first = points.first, let last = points.last {
            html += TrendChart.text(day(first.time), x: left, y: height - 6, "start")
            if points.count > 1 { html += TrendChart.text(day(last.time), x: width - right, y: height - 6, "end") }
        }
        return Markup(html: html + "</svg>")
    }

    private static func total(_ point: ImageTrendPoint) -> Int {
        point.vulnerabilities.values.reduce(0) { $0 + max(0, $1) }
    }

    private static func words(_ point: ImageTrendPoint) -> String {
        let counts = Severity.allCases.reversed().compactMap { severity in
            point.vulnerabilities[severity].flatMap { $0 > 0 ? "\($0) \(severity)" : nil }
        }
        let found = counts.isEmpty ? "no vulnerabilities" : counts.joined(separator: ", ")
        return "\(Words.plural(point.images, "image")), \(found), \(point.fixable) mended by an upgrade"
    }

    private static func day(_ time: Int64) -> String { String(Timestamp.readable(time).prefix(10)) }
}

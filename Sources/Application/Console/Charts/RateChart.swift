// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Reporting
import Store

/// Decisions by minute (or by longer steps): stacked bars, refusals at the bottom.
enum RateChart {
    private static let (width, height) = (560.0, 170.0)
    private static let (left, right, top, bottom) = (44.0, 8.0, 10.0, 24.0)
    /// From the bottom up. Warned and audited are one colour: both were let through with a remark.
    private static let layers: [(style: String, actions: [AdmissionDecision.Action])] = [
        ("r-error", [.error]), ("r-deny", [.deny]), ("r-warn", [.warn, .audit]), ("r-allow", [.allow]),
    ]

    static func draw(_ rates: AdmissionRates) -> Markup {
        let peak = TrendChart.ceiling(max(rates.steps.map(\.counts.total).max() ?? 0, 1))
        let (inner, tall) = (width - left - right, height - top - bottom)
        let step = inner / Double(max(rates.steps.count, 1))
        let minutes = Int(rates.step / 60)
        let unit = minutes == 1 ? "minute" : "\(minutes) minutes"
        var html =
            "<svg class=\"trend rates\" viewBox=\"0 0 \(Markup.coordinate(width)) \(Markup.coordinate(height))\" "
        html += "role=\"img\" aria-label=\"Decisions of admission by \(unit): \(Markup.escape(words(rates.total)))\">"
        for part in [0, 2, 4] {
            let y = top + tall * Double(4 - part) / 4
            html += "<line class=\"grid\" x1=\"\(Markup.coordinate(left))\" x2=\"\(Markup.coordinate(width - right))\" "
            html += "y1=\"\(Markup.coordinate(y))\" y2=\"\(Markup.coordinate(y))\"/>"
            html += TrendChart.text(TrendChart.short(peak * part / 4), x: left - 6, y: y + 4, "end")
        }
        for (index, place) in rates.steps.enumerated() where place.counts.total > 0 {
            let x = left + step * Double(index)
            html += "<g class=\"run\"><title>\(label(place.start, place.counts))</title>"
            html += rectangle("hit", x, top, step, tall)
            var y = top + tall
            for layer in layers {
                let count = layer.actions.reduce(0) { $0 + place.counts[$1] }
                guard count > 0 else { continue }
                // A single refusal among thousands is still seen.
                let size = min(max(tall * Double(count) / Double(peak), 1.5), y - top)
                y -= size
                html += rectangle(layer.style, x + step * 0.1, y, step * 0.8, size)
            }
            html += "</g>"
        }
        if let first = rates.steps.first, let last = rates.steps.last {
            html += TrendChart.text(moment(first.start), x: left, y: height - 6, "start")
            html += TrendChart.text(moment(last.start + rates.step), x: width - right, y: height - 6, "end")
        }
        return Markup(html: html + "</svg>")
    }

    private static func rectangle(_ style: String, _ x: Double, _ y: Double, _ width: Double, _ height: Double)
        -> String
    {
        "<rect class=\"\(style)\" x=\"\(Markup.coordinate(x))\" y=\"\(Markup.coordinate(y))\" "
            + "width=\"\(Markup.coordinate(width))\" height=\"\(Markup.coordinate(height))\"/>"
    }

    private static func label(_ start: Int64, _ counts: AdmissionRates.Counts) -> String {
        Markup.escape("\(Timestamp.readable(start)): \(words(counts))")
    }

    static func words(_ counts: AdmissionRates.Counts) -> String {
        "\(counts[.allow]) allowed, \(counts[.warn] + counts[.audit]) warned, \(counts[.deny]) denied, "
            + "\(counts[.error]) not judged"
    }

    private static func moment(_ time: Int64) -> String { String(Timestamp.readable(time).prefix(16)) }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A score from 0 to 100 as a ring that is filled to that part.
enum ScoreRing {
    static func draw(_ score: Int) -> Markup {
        let score = min(max(score, 0), 100)
        let radius = 52.0
        let around = 2 * Double.pi * radius
        let filled = around * Double(score) / 100
        let grade = score >= 90 ? "good" : score >= 70 ? "fair" : "poor"
        return Markup(
            html: """
                <svg class="ring \(grade)" viewBox="0 0 120 120" role="img" aria-label="Score \(score) of 100">\
                <circle class="track" cx="60" cy="60" r="52"/>\
                <circle class="fill" cx="60" cy="60" r="52" \
                stroke-dasharray="\(Markup.coordinate(filled)) \(Markup.coordinate(around))" \
                transform="rotate(-90 60 60)"/>\
                <text x="60" y="66">\(score)</text><text class="small" x="60" y="84">of 100</text></svg>
                """)
    }
}

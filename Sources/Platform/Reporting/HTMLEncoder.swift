// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// The report as one page that loads nothing: summary, problems by subject, then why and how to fix by check. The
/// summary stands first, so the body is held until the end; of a run too large for any browser the rest is only counted.
struct HTMLEncoder: ReportEncoder {
    /// Bytes of problems that a page may hold.
    private let bodyLimit: Int

    private var output: OutputBuffer
    private let showAll: Bool
    private var context = ReportContext(toolVersion: "", time: 0, source: "", checks: [])
    private var body = OutputBuffer()
    private var group: [CheckResult] = []
    private var problems: [String: (check: Check, results: Int)] = [:]
    private var outcomes: Set<Outcome> = []
    private var omitted = 0

    init(output: OutputBuffer, options: EncodingOptions, bodyLimit: Int = 64 << 20) {
        self.output = output
        self.bodyLimit = bodyLimit
        showAll = options.showAll
    }

    mutating func begin(_ context: ReportContext) { self.context = context }

    mutating func add(_ result: CheckResult) {
        let isExempted = result.outcome == .skip && result.exemption != nil
        guard result.outcome.isProblem || isExempted || showAll else { return }
        if result.outcome.isProblem { problems[result.check.id, default: (result.check, 0)].results += 1 }
        if body.count >= bodyLimit {
            omitted += 1
            return
        }
        outcomes.insert(result.outcome)
        if let first = group.first, first.subject != result.subject || group.count >= 1000 { writeGroup() }
        group.append(result)
    }

    mutating func finish(_ summary: Summary) {
        writeGroup()
        writeHead(summary)
        output.append("<main>\n")
        writeFilters(summary)
        if body.count == 0 {
            output.append(
                summary.subjects == 0 ? "<p>Nothing to judge was found.</p>\n" : "<p>No problems found.</p>\n")
        } else {
            output.append("<h2>Results</h2>\n")
            output.append(body)
        }
        if omitted > 0 {
            output.append("<p>\(omitted) more results are left out of this page: ask for JSON to see all.</p>\n")
        }
        writeChecks()
        output.append("</main>\n</html>\n")
        output.flush()
    }

    // MARK: Head

    private mutating func writeHead(_ summary: Summary) {
        output.append(
            """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>Inspection report</title>
            <style>

            """)
        output.append(HTMLStyle.sheet)
        output.append("</style>\n<header>\n<h1>Inspection report</h1>\n<p class=\"soft\">")
        var parts = [context.source, context.cluster == context.source ? "" : context.cluster]
        parts += [Timestamp.readable(context.time), "bulwark \(context.toolVersion)"]
        output.append(parts.filter { !$0.isEmpty }.map { Markup.escaped($0) }.joined(separator: " · "))
        output.append("</p>\n<div class=\"cards\">\n")
        card("Score", summary.score)
        card("Objects", summary.objects)
        card("Judged", summary.subjects)
        for severity in Severity.allCases.reversed() where severity != .unknown {
            let count = summary.count(.fail, severity) + summary.count(.warn, severity)
            card(TableEncoder.short(severity), count, class: count > 0 ? severity.description : "")
        }
        card("Errors", summary.count(.error), class: summary.count(.error) > 0 ? "error" : "")
        output.append("</div>\n</header>\n")
    }

    private mutating func card(_ label: String, _ count: Int, class name: String = "") {
        let label = label.prefix(1).uppercased() + label.dropFirst()
        output.append("<div class=\"card \(name)\"><b class=\"badge\">\(count)</b>\(label)</div>\n")
    }

    private mutating func writeFilters(_ summary: Summary) {
        guard body.count > 0 else { return }
        output.append("<div class=\"filters\">\n")
        for severity in Severity.allCases.reversed() where severity != .unknown {
            let count = summary.count(.fail, severity) + summary.count(.warn, severity)
            if count > 0 { filter(severity.description) }
        }
        if outcomes.contains(.pass) { filter("pass") }
        if outcomes.contains(.skip) { filter("skip") }
        output.append("</div>\n")
    }

    private mutating func filter(_ name: String) {
        output.append("<label><input type=\"checkbox\" id=\"f-\(name)\" checked> \(name)</label>\n")
    }

    // MARK: Results

    private mutating func writeGroup() {
        guard let first = group.first else { return }
        body.append("<section class=\"subject\"><h3>")
        body.append(markup: first.subject.display)
        body.append("</h3>")
        if let source = first.source {
            let file = source.file == "-" ? "standard input" : source.file
            body.append("<span class=\"soft\">")
            let line = group.compactMap { $0.source?.line }.filter { $0 > 0 }.min() ?? 0
            body.append(markup: line > 0 ? "\(file):\(line)" : file)
            body.append("</span>")
        }
        body.append("\n<ul>\n")
        for index in group.indices.sorted(by: { TableEncoder.rank(group[$0], $0) < TableEncoder.rank(group[$1], $1) }) {
            writeResult(group[index])
        }
        body.append("</ul></section>\n")
        group.removeAll(keepingCapacity: true)
    }

    private mutating func writeResult(_ result: CheckResult) {
        let severity = result.check.severity.description
        let (style, label) =
            switch result.outcome {
            case .fail: (severity, severity == "informational" ? "info" : severity)
            case .warn: ("warn \(severity)", "warning")
            case .error: ("error", "error")
            case .pass: ("pass", "pass")
            case .skip: ("skip", "skip")
            }
        body.append("<li class=\"\(style)\"><span class=\"badge\">\(label)</span>")
        let id = Markup.escaped(result.check.id, isAttribute: true)
        body.append(result.outcome.isProblem ? "<a href=\"#\(id)\">\(id)</a>" : "<span>\(id)</span>")
        body.append("<span class=\"message\">")
        body.append(markup: result.message.isEmpty ? result.check.title : result.message)
        if !result.container.isEmpty { body.append(" <span class=\"box\">\(Markup.escaped(result.container))</span>") }
        if let exemption = result.exemption {
            let text = "exempted by \(exemption.owner): \(exemption.reason)"
            body.append(" <span class=\"soft\">\(Markup.escaped(text))</span>")
        }
        body.append("</span>")
        let line = (result.source?.line ?? 0) > 0 ? "line \(result.source?.line ?? 0)" : ""
        if !result.path.isEmpty || !line.isEmpty {
            var text = result.value.isEmpty ? result.path : "\(result.path) = \(result.value)"
            if !line.isEmpty { text = result.path.isEmpty ? line : "\(line): \(text)" }
            body.append("<code class=\"evidence\">\(Markup.escaped(text))</code>")
        }
        body.append("</li>\n")
    }

    // MARK: Checks

    private mutating func writeChecks() {
        guard !problems.isEmpty else { return }
        output.append("<h2>What is wrong and how to fix it</h2>\n")
        let rows = problems.values.sorted {
            ($0.check.severity.rawValue, $1.check.id) > ($1.check.severity.rawValue, $0.check.id)
        }
        for (check, results) in rows {
            let id = Markup.escaped(check.id, isAttribute: true)
            output.append("<section class=\"check \(check.severity)\" id=\"\(id)\"><h3>\(id) ")
            output.append("\(Markup.escaped(check.title))</h3>\n<span class=\"badge\">\(check.severity)</span>, ")
            output.append(results == 1 ? "1 result" : "\(results) results")
            output.append("\n<dl>")
            if !check.why.isEmpty { output.append("<dt>Why</dt><dd>\(Markup.escaped(check.why))</dd>") }
            if !check.remediation.isEmpty { output.append("<dt>Fix</dt><dd>\(Markup.escaped(check.remediation))</dd>") }
            let controls = check.controls.map { "\($0.benchmark) \($0.ids.joined(separator: ", "))" }
            if !controls.isEmpty {
                output.append("<dt>Controls</dt><dd>\(Markup.escaped(controls.joined(separator: "; ")))</dd>")
            }
            if !check.references.isEmpty {
                output.append("<dt>Read on</dt>")
                for page in check.references { writeReference(page) }
            }
            output.append("</dl></section>\n")
        }
    }

    private mutating func writeReference(_ page: String) {
        let text = Markup.escaped(page, isAttribute: true)
        let isLink = page.hasPrefix("https://") || page.hasPrefix("http://")
        output.append(isLink ? "<dd><a href=\"\(text)\" rel=\"noreferrer\">\(text)</a></dd>" : "<dd>\(text)</dd>")
    }
}

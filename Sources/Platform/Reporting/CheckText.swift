// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// One check in full, for `checks show`.
package enum CheckText {
    package static func write(_ check: Check, to output: inout OutputBuffer, width: Int, colour: Bool = false) {
        let style = TerminalStyle(isOn: colour)
        let width = min(max(width, 40), 100)
        for line in DisplayText.wrap(DisplayText.safe("\(check.id) \(check.title)"), to: width) {
            output.append(style.apply(.bold, line) + "\n")
        }
        output.append("\n")
        field("Severity", [check.severity.description], TableEncoder.ink(check.severity))
        field("Area", [check.area])
        field("Name", [check.slug])
        if check.sensitive { field("Values", ["credentials: masked wherever they are shown"]) }
        field("Fix", [check.fixable ? "bulwark inspect --fix can write it" : "by hand"])
        section("Why it matters", check.why)
        section("How to fix it", check.remediation)
        list("Controls", check.controls.map { "\($0.benchmark): \($0.ids.joined(separator: ", "))" })
        list("Other tools call it", check.aliases.map { "\($0.tool): \($0.ids.joined(separator: ", "))" })
        // Addresses are not broken, so that they can be copied.
        list("Read on", check.references, wraps: false)

        func field(_ label: String, _ values: [String], _ ink: TerminalStyle.Ink = .plain) {
            output.append(style.apply(.faint, DisplayText.pad(label, to: 10)))
            output.append(style.apply(ink, DisplayText.safe(values.joined(separator: ", "))) + "\n")
        }
        func section(_ title: String, _ text: String) {
            if text.isEmpty { return }
            output.append("\n" + style.apply(.bold, title) + "\n")
            for line in DisplayText.wrap(DisplayText.safe(text), to: width - 2) { output.append("  \(line)\n") }
        }
        func list(_ title: String, _ lines: [String], wraps: Bool = true) {
            if lines.isEmpty { return }
            output.append("\n" + style.apply(.bold, title) + "\n")
            for line in lines {
                let line = DisplayText.safe(line)
                for part in wraps ? DisplayText.wrap(line, to: width - 2) : [line] { output.append("  \(part)\n") }
            }
        }
    }

    /// The rows of `checks list`.
    package static func writeList(_ checks: [Check], to output: inout OutputBuffer, width: Int, colour: Bool = false) {
        var table = TextTable([
            TextTable.Column("ID"), TextTable.Column("SEVERITY"), TextTable.Column("NAME", optional: true),
            TextTable.Column("TITLE", least: 16),
        ])
        for check in checks {
            table.add([
                TextTable.Cell(check.id, ink: .bold),
                TextTable.Cell(TableEncoder.short(check.severity), ink: TableEncoder.ink(check.severity)),
                TextTable.Cell(check.slug), TextTable.Cell(check.title),
            ])
        }
        table.write(to: &output, width: width, colour: colour)
    }
}

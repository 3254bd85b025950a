// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Findings
import PodSecurity
import Reporting

/// `bulwark checks list`.
struct ChecksList: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, markdown
    }

    static let configuration = CommandConfiguration(commandName: "list", abstract: "List all checks.")

    @Option(name: .shortAndLong, help: "table, json or markdown.")
    var output = Format.table

    mutating func run() throws {
        let checks = try Catalogue.embedded().checks.map(\.check)
        var text = OutputBuffer(sink: Terminal.write)
        switch output {
        case .table:
            CheckText.writeList(checks, to: &text, width: Terminal.width, colour: Terminal.usesColour)
        case .json:
            text.append("{\"schemaVersion\":\"1\",\"checks\":[")
            for (index, check) in checks.enumerated() {
                text.append(index == 0 ? "\n" : ",\n")
                JSONEncoding.append(check, to: &text)
            }
            text.append("]}\n")
        case .markdown:
            text.append(CheckPage.markdown(checks))
        }
        text.flush()
    }
}

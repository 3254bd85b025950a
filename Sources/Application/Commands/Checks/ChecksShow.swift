// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Findings
import PodSecurity
import Reporting

/// `bulwark checks show ID`.
struct ChecksShow: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    static let configuration = CommandConfiguration(commandName: "show", abstract: "Explain one check.")

    @Argument(help: "An id, a slug or another tool's id.")
    var name: String

    @Option(name: .shortAndLong, help: "table or json.")
    var output = Format.table

    mutating func run() throws {
        guard let check = try Catalogue.embedded().check(name)?.check else {
            throw UserError("there is no check \(name); 'bulwark checks list' shows them all")
        }
        var text = OutputBuffer(sink: Terminal.write)
        switch output {
        case .table: CheckText.write(check, to: &text, width: Terminal.width, colour: Terminal.usesColour)
        case .json:
            JSONEncoding.append(check, to: &text)
            text.append("\n")
        }
        text.flush()
    }
}

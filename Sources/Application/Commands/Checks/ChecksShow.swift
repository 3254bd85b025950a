// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Findings
import PodSecurity

/// `bulwark checks show ID`.
struct ChecksShow: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Explain one check.")
    @Argument(help: "An id, a slug or another tool's id.") var name: String

    mutating func run() throws {
        guard let entry = try Catalogue.embedded().check(name) else {
            throw UserError("there is no check \(name); 'bulwark checks list' shows them all")
        }
        print(entry.check.id, entry.check.title)
    }
}

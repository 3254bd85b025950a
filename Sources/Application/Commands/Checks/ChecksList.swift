// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Findings
import PodSecurity

/// `bulwark checks list`.
struct ChecksList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List all checks.")

    mutating func run() throws {
        for entry in try Catalogue.embedded().checks {
            print(entry.check.id, entry.check.severity, entry.check.slug, entry.check.title)
        }
    }
}

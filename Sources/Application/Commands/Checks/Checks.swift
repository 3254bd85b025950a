// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `bulwark checks`: the catalogue.
struct Checks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checks",
        abstract: "Show the catalogue of checks.", subcommands: [ChecksList.self, ChecksShow.self])
}

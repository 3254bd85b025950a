// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `bulwark policy`: what pods may be.
struct Policy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Work with pod policies.",
        subcommands: [
            PolicyJudge.self, PolicyTest.self, PolicyPreviewCommand.self, PolicySuggest.self, PolicyImport.self,
        ])
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `bulwark sbom`
struct SBOMCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sbom", abstract: "Bills of materials: what is known to be wrong with what they list.",
        subcommands: [SBOMScan.self])
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import ArgumentParser
import Foundation

/// `bulwark advisories`: what is known of vulnerabilities.
struct AdvisoriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "advisories", abstract: "Keep and show the advisories that images are scanned with.",
        subcommands: [
            AdvisoriesUpdate.self, AdvisoriesImport.self, AdvisoriesStatus.self, AdvisoriesShow.self,
            AdvisoriesVersions.self,
        ])
}

/// Where the advisories lie.
struct AdvisoriesOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "The folder of the advisories; else BULWARK_ADVISORIES, else bulwark/advisories in the user's cache.")
    var database: String?

    var folder: String { database ?? Self.standard(ProcessInfo.processInfo.environment) }

    static func standard(_ environment: [String: String]) -> String {
        if let named = environment["BULWARK_ADVISORIES"], !named.isEmpty { return named }
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return cache + "/bulwark/advisories" }
        return (environment["HOME"] ?? "/var/cache") + "/.cache/bulwark/advisories"
    }
}

extension AdvisoryError {
    /// What a command that met this ends with.
    var status: ExitStatus {
        switch code {
        case .malformed, .tooLarge, .unreadable, .noDatabase: .unreadable
        case .network, .wrongDigest: .unfinished
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import ArgumentParser
import Foundation
import Synchronization

/// `bulwark advisories update`
struct AdvisoriesUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Fetch the advisories that changed.",
        discussion: """
            From OSV's public bucket, a mirror of it, or a folder: BASE/<Ecosystem>/all.zip. A download that was cut off goes on \
            where it stopped. The old advisories stay until the new ones are whole. Proxies are taken from HTTPS_PROXY, \
            HTTP_PROXY, ALL_PROXY and NO_PROXY.

            With --scores, or --epss and --kev, also the probability of exploits (FIRST's EPSS, CSV or CSV in gzip) and CISA's list \
            of what is exploited (JSON). --scores-only leaves the advisories as they are.

            Exit status: 0 done, 2 wrong usage or a source that could not be read, 3 an ecosystem could not be updated.
            """)

    @OptionGroup var place: AdvisoriesOptions

    @Option(name: .long, help: "The URL of a mirror, or a folder laid out like it.")
    var from = AdvisoryUpdater.publicBucket

    @Option(name: .long, help: "Update this ecosystem alone, such as Debian or PyPI. Repeatable.")
    var ecosystem: [String] = []

    @Option(name: .long, help: "Tries of one download that bring nothing.")
    var attempts = 5

    @Option(name: .long, help: "MiB of one download at most.")
    var maximum = 4096

    @Flag(
        name: .long,
        help: "Fetch EPSS scores and CISA's list of exploited vulnerabilities from where they are published.")
    var scores = false

    @Option(name: .long, help: "EPSS scores from this URL or file.")
    var epss: String?

    @Option(name: .long, help: "CISA's list of exploited vulnerabilities from this URL or file.")
    var kev: String?

    @Flag(name: .long, help: "Only these, no advisories.")
    var scoresOnly = false

    func validate() throws {
        guard !scoresOnly || scores || epss != nil || kev != nil else {
            throw ValidationError("--scores-only needs --scores, --epss or --kev")
        }
        guard (1...100).contains(attempts) else { throw ValidationError("--attempts should be from 1 to 100") }
        guard (1...65_536).contains(maximum) else { throw ValidationError("--maximum should be from 1 to 65,536") }
    }

    func run() async throws {
        var options = AdvisoryUpdater.Options()
        options.ecosystems = ecosystem
        options.attempts = attempts
        options.maximumBytes = Int64(maximum) << 20
        options.environment = ProcessInfo.processInfo.environment
        let display = UpdateDisplay()
        let updater = AdvisoryUpdater(database: place.folder, source: from, options: options, report: display.show)
        var failure: AdvisoryError?
        do throws(AdvisoryError) { if !scoresOnly { try await updater.update() } } catch { failure = error }
        let (epss, kev) = (
            epss ?? (scores ? AdvisoryUpdater.publicEPSS : nil), kev ?? (scores ? AdvisoryUpdater.publicKEV : nil)
        )
        do throws(AdvisoryError) {
            if epss != nil || kev != nil {
                let count = try await updater.updateScores(epss: epss, exploited: kev)
                display.clear()
                Terminal.say("\(count) vulnerabilities with scores or exploits")
            }
        } catch { failure = failure ?? error }
        display.clear()
        if let failure {
            if display.hasFailures { throw failure.status }
            throw UserError("\(failure)", failure.status)
        }
    }
}

/// Lines for what is done, and a line of progress on a terminal.
final class UpdateDisplay: Sendable {
    private let progress = Mutex(Progress())
    private let failures = Mutex(0)

    /// Whether a failure of an ecosystem was shown.
    var hasFailures: Bool { failures.withLock { $0 > 0 } }

    func clear() { progress.withLock { $0.clear() } }

    @Sendable func show(_ event: AdvisoryUpdater.Event) {
        progress.withLock { progress in
            switch event {
            case .received(let name, let bytes, let total):
                progress.show("\(name): \(Self.size(bytes))" + (total.map { " of \(Self.size($0))" } ?? ""))
            case .imported(let name, let records): progress.show("\(name): \(records) records read")
            case .waiting(let name, let pause, let reason):
                progress.clear()
                Terminal.note("\(name): \(reason); trying again in \(pause)")
            case .unchanged(let name):
                progress.clear()
                Terminal.say("\(name): unchanged")
            case .finished(let outcome):
                progress.clear()
                Self.say(outcome)
            case .failed(let name, let error):
                progress.clear()
                failures.withLock { $0 += 1 }
                Terminal.error("\(name): \(error)")
            }
        }
    }

    static func say(_ outcome: AdvisoryImporter.Outcome) {
        var text = "\(outcome.ecosystem): \(outcome.records) advisories"
        if outcome.withdrawn > 0 { text += ", \(outcome.withdrawn) withdrawn" }
        if outcome.harmless > 0 { text += ", \(outcome.harmless) about bugs alone" }
        if outcome.unusable > 0 { text += ", \(outcome.unusable) that name no package" }
        if outcome.refused > 0 { text += ", \(outcome.refused) could not be read" }
        Terminal.say(text)
        for problem in outcome.problems { Terminal.note("  \(problem)") }
    }

    private static func size(_ bytes: Int64) -> String {
        bytes < 10 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
    }
}

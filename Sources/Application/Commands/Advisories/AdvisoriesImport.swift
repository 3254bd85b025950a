// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import ArgumentParser

/// `bulwark advisories import`
struct AdvisoriesImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Read advisories from files, without a network.",
        discussion: """
            PATH is a folder laid out as OSV's bucket (<Ecosystem>/all.zip), a folder of an ecosystem's JSON files, or a zip of \
            them.

            Exit status: 0 done, 2 wrong usage, an unreadable file, or a record that could not be read.
            """)

    @OptionGroup var place: AdvisoriesOptions

    @Argument(help: "Folders and zips of OSV records.")
    var paths: [String] = []

    @Option(
        name: .long, help: "Read this ecosystem alone; of a zip or a folder of JSON, the one it is about. Repeatable.")
    var ecosystem: [String] = []

    @Option(name: .long, help: "EPSS scores: FIRST's CSV, compressed or not.")
    var epss: String?

    @Option(name: .long, help: "CISA's list of known exploited vulnerabilities as JSON.")
    var kev: String?

    func validate() throws {
        guard !paths.isEmpty || epss != nil || kev != nil else {
            throw ValidationError("give a path, as in: bulwark advisories import mirror/")
        }
    }

    func run() throws {
        let display = UpdateDisplay()
        var importer = AdvisoryImporter(database: place.folder)
        importer.progress = { display.show(.imported(ecosystem: $0, records: $1)) }
        var status = ExitStatus.done
        func attempt(_ body: () throws(AdvisoryError) -> Void) {
            do throws(AdvisoryError) { try body() } catch {
                display.clear()
                Terminal.error("\(error)")
                status = max(status, error.status)
            }
        }
        for path in paths {
            attempt { () throws(AdvisoryError) in
                for outcome in try importer.load(path, ecosystems: ecosystem) {
                    display.show(.finished(outcome))
                    if outcome.refused > 0 { status = max(status, .unreadable) }
                }
            }
        }
        if epss != nil || kev != nil {
            attempt { () throws(AdvisoryError) in
                Terminal.say("\(try importer.load(epss: epss, exploited: kev)) vulnerabilities with scores or exploits")
            }
        }
        display.clear()
        if status != .done { throw status }
    }
}

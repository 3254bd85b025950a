// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Glibc

/// Brings the advisories of a mirror of OSV's bucket to this machine: `BASE/<Ecosystem>/all.zip` and `BASE/ecosystems.txt`.
/// What did not change is not fetched again, what was cut off goes on where it stopped, and nothing is replaced before
/// the new is whole.
package struct AdvisoryUpdater: Sendable {
    package struct Options: Sendable {
        /// Empty for all that the mirror has and that are known here.
        package var ecosystems: [String] = []
        /// Bytes of one download.
        package var maximumBytes: Int64 = 4 << 30
        /// Tries of one download; a try that brought bytes does not count.
        package var attempts = 5
        /// Before the second try; doubled each time.
        package var delay: Duration = .seconds(1)
        /// The longest that a server can make us wait with Retry-After.
        package var longestDelay: Duration = .seconds(300)
        /// Without a byte for so long, a download counts as cut off.
        package var silence: Duration = .seconds(60)
        /// For the proxies: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, also in lower case.
        package var environment: [String: String] = [:]
        package init() {}
    }

    package enum Event: Sendable {
        /// Bytes so far, and in all where the server says so.
        case received(ecosystem: String, Int64, of: Int64?)
        case waiting(ecosystem: String, Duration, reason: String)
        case imported(ecosystem: String, records: Int)
        case unchanged(ecosystem: String)
        case finished(AdvisoryImporter.Outcome)
        case failed(ecosystem: String, AdvisoryError)
    }

    package static let publicBucket = "https://osv-vulnerabilities.storage.googleapis.com"

    package let database: String
    package let source: String
    package let options: Options
    let report: @Sendable (Event) -> Void

    /// - Parameter source: a URL, or a path that `AdvisoryImporter` reads.
    package init(
        database: String, source: String = publicBucket, options: Options = Options(),
        report: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        self.database = database
        self.source = source
        self.options = options
        self.report = report
    }

    /// Updates one ecosystem after the other. One that fails keeps what it had; the others go on.
    /// - Throws: the first failure, after the rest was done.
    package func update() async throws(AdvisoryError) {
        guard source.hasPrefix("http://") || source.hasPrefix("https://") else {
            let path = source.hasPrefix("file://") ? String(source.dropFirst(7)) : source
            for outcome in try importer().load(path, ecosystems: options.ecosystems) { report(.finished(outcome)) }
            return
        }
        let lock = try FolderLock(folder: database)
        defer { withExtendedLifetime(lock) {} }
        let base = source.hasSuffix("/") ? String(source.dropLast()) : source
        let client = try Downloader.client(for: base, options)
        let failure: AdvisoryError?
        do throws(AdvisoryError) {
            failure = try await update(from: base, Downloader(client: client, options: options))
        } catch {
            failure = error
        }
        try? await client.shutdown()
        if let failure { throw failure }
    }

    private func update(from base: String, _ downloader: Downloader) async throws(AdvisoryError) -> AdvisoryError? {
        try FolderLock.make(database + "/.downloads")
        var names = options.ecosystems
        if names.isEmpty { names = try await ecosystems(base, downloader) }
        var failure: AdvisoryError?
        for name in names {
            do throws(AdvisoryError) { try await update(name, base, downloader) } catch {
                report(.failed(ecosystem: name, error))
                failure = failure ?? error
            }
        }
        return failure
    }

    /// The list has releases too (`Debian:12`), which lie in the files of their bases.
    private func ecosystems(_ base: String, _ downloader: Downloader) async throws(AdvisoryError) -> [String] {
        let path = database + "/.downloads/ecosystems.txt"
        let result = try await downloader.fetch(
            base + "/ecosystems.txt", to: path, tag: "", limit: 1 << 20
        ) {
            report(.received(ecosystem: "ecosystems.txt", $0, of: $1))
        } waiting: {
            report(.waiting(ecosystem: "ecosystems.txt", $0, reason: $1))
        }
        defer { unlink(path) }
        guard case .complete = result else { throw AdvisoryError(.network, "\(base) gave no list of ecosystems") }
        let text = String(decoding: try AdvisoryImporter.contents(path, limit: 1 << 20), as: UTF8.self)
        var names: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let ecosystem = AdvisoryEcosystem(String(line))
            if ecosystem.name == ecosystem.base, ecosystem.scheme != nil, AdvisoryDatabase.isName(ecosystem.name),
                !names.contains(ecosystem.name)
            {
                names.append(ecosystem.name)
            }
        }
        guard !names.isEmpty else { throw AdvisoryError(.malformed, "\(base)/ecosystems.txt names no known ecosystem") }
        return names
    }

    private func update(_ name: String, _ base: String, _ downloader: Downloader) async throws(AdvisoryError) {
        guard AdvisoryDatabase.isName(name) else {
            throw AdvisoryError(.malformed, "\(name.debugDescription) is no name of an ecosystem")
        }
        let url = "\(base)/\(Self.escaped(name))/all.zip"
        let file = "\(database)/\(name)\(AdvisoryDatabase.suffix)"
        // A file that was made from another source has another tag.
        var tag = ""
        if let old = try? AdvisoryFile(path: file),
            (try? old.string(old.headerWord(AdvisoryFormat.Header.source))) == url
        {
            tag = (try? old.string(old.headerWord(AdvisoryFormat.Header.tag))) ?? ""
        }
        let zip = "\(database)/.downloads/\(name).zip"
        let result = try await downloader.fetch(url, to: zip, tag: tag, limit: options.maximumBytes) {
            report(.received(ecosystem: name, $0, of: $1))
        } waiting: {
            report(.waiting(ecosystem: name, $0, reason: $1))
        }
        switch result {
        case .unchanged:
            // Its age counts from now.
            utimes(file, nil)
            report(.unchanged(ecosystem: name))
        case .complete(let newTag):
            defer { unlink(zip) }
            report(.finished(try importer().store(zip: zip, ecosystem: name, source: url, tag: newTag)))
        }
    }

    func importer() -> AdvisoryImporter {
        var importer = AdvisoryImporter(database: database)
        importer.progress = { [report] in report(.imported(ecosystem: $0, records: $1)) }
        return importer
    }

    /// Names have blanks: `Rocky%20Linux`.
    private static func escaped(_ name: String) -> String {
        name.utf8.map { byte in
            let isPlain =
                byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == 0x2E || byte == 0x2D || byte == 0x5F
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (digits.utf8.count == 1 ? "0" : "") + digits
        }.joined()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Glibc

extension AdvisoryUpdater {
    /// FIRST's EPSS scores of today, CSV in gzip (first.org/epss/data_stats).
    package static let publicEPSS = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
    /// CISA's list of known exploited vulnerabilities (cisa.gov/known-exploited-vulnerabilities-catalog).
    package static let publicKEV =
        "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
    /// Bytes of one list as it is sent; both have about two million.
    package static let maximumScoreBytes: Int64 = 128 << 20

    /// Brings EPSS scores and the list of exploited vulnerabilities, by URL or path. What is there stays until the new is
    /// whole, and when one of the two fails, the other is taken and the old of the first is kept.
    /// - Returns: how many CVEs have a score or are exploited.
    /// - Throws: the first failure, after the rest was done.
    package func updateScores(epss: String?, exploited: String?) async throws(AdvisoryError) -> Int {
        let lock = try FolderLock(folder: database)
        defer { withExtendedLifetime(lock) {} }
        try FolderLock.make(database + "/.downloads")
        var failure: AdvisoryError?
        var lists: [ScoreList] = []
        for (name, source) in [("EPSS", epss), ("KEV", exploited)] {
            guard let source else { continue }
            do throws(AdvisoryError) { lists.append(try await list(name, source)) } catch {
                report(.failed(ecosystem: name, error))
                failure = failure ?? error
            }
        }
        var count = 0
        for list in lists {
            do throws(AdvisoryError) {
                let isEPSS = list.name == "EPSS"
                // A list that did not change is new all the same: its age counts from now.
                let path = list.isUnchanged ? nil : list.path
                count = try importer().merge(epss: isEPSS ? path : nil, exploited: isEPSS ? nil : path)
                if list.isUnchanged { report(.unchanged(ecosystem: list.name)) }
                try list.keepTag()
            } catch {
                report(.failed(ecosystem: list.name, error))
                failure = failure ?? error
            }
            if list.isDownload { unlink(list.path) }
        }
        if let failure { throw failure }
        return count
    }

    /// A list that is on this machine now.
    private struct ScoreList {
        let name: String
        let path: String
        var isDownload = false
        var isUnchanged = false
        /// What is kept to ask for changes alone, and the file that keeps it.
        var tag = ""
        var tagPath = ""

        func keepTag() throws(AdvisoryError) {
            guard !tagPath.isEmpty, !isUnchanged else { return }
            unlink(tagPath)
            guard !tag.isEmpty else { return }
            let output = try OutputFile(path: tagPath)
            try output.write(Array(tag.utf8), isDigested: false)
            try output.flush()
        }
    }

    private func list(_ name: String, _ source: String) async throws(AdvisoryError) -> ScoreList {
        guard source.hasPrefix("http://") || source.hasPrefix("https://") else {
            return ScoreList(name: name, path: source.hasPrefix("file://") ? String(source.dropFirst(7)) : source)
        }
        var list = ScoreList(name: name, path: "\(database)/.downloads/\(name)", isDownload: true)
        list.tagPath = list.path + ".known"
        // The tag of another source, or of scores that are gone, says nothing.
        let known = (try? AdvisoryImporter.contents(list.tagPath, limit: 16 << 10)).map {
            String(decoding: $0, as: UTF8.self)
        }
        var tag = ""
        if let known, known.hasPrefix(source + "\n"), access(database + "/" + VulnerabilityScores.fileName, R_OK) == 0 {
            tag = String(known.dropFirst(source.count + 1))
        }
        let client = try Downloader.client(for: source, options)
        let result: Result<Downloader.Result, AdvisoryError>
        do throws(AdvisoryError) {
            let limit = min(options.maximumBytes, Self.maximumScoreBytes)
            result = .success(
                try await Downloader(client: client, options: options).fetch(
                    source, to: list.path, tag: tag, limit: limit
                ) {
                    report(.received(ecosystem: name, $0, of: $1))
                } waiting: {
                    report(.waiting(ecosystem: name, $0, reason: $1))
                })
        } catch { result = .failure(error) }
        try? await client.shutdown()
        switch try result.get() {
        case .unchanged: list.isUnchanged = true
        case .complete(let tag): list.tag = tag.isEmpty ? "" : source + "\n" + tag
        }
        return list
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What a folder of advisories holds.
package struct AdvisoryStatus: Sendable {
    package struct Ecosystem: Sendable {
        package var name: String
        package var records = 0
        /// Packages of records.
        package var packages = 0
        package var withdrawn = 0
        package var refused = 0
        /// Seconds since 1970.
        package var imported: Int64 = 0
        /// When the source was last asked, whether it had something new or not.
        package var checked: Int64 = 0
        /// The newest change of a record; 0 where the records do not say.
        package var newest: Int64 = 0
        package var bytes: Int64 = 0
        package var source = ""
        /// Why the file cannot be used; empty when it can.
        package var problem = ""
    }

    package var ecosystems: [Ecosystem] = []
    /// CVEs with EPSS scores or known exploits, and when they were imported.
    package var scores = 0
    package var scoresImported: Int64 = 0

    /// Advisories that were imported longer ago than this are old: scans warn, and go on.
    package static let oldAge: Int64 = 7 * 86_400

    /// - Parameter verifying: reads every byte and holds it against the stored digest.
    package init(path: String, verifying: Bool = false) {
        for base in AdvisoryDatabase.bases(path) {
            var entry = Ecosystem(name: base)
            do throws(AdvisoryError) {
                let file = try AdvisoryFile(path: path + "/" + base + AdvisoryDatabase.suffix)
                if verifying { try file.verify() }
                entry.records = Int(file.headerWord(AdvisoryFormat.Header.records))
                entry.packages = Int(file.headerWord(AdvisoryFormat.Header.rows))
                entry.withdrawn = Int(file.headerWord(AdvisoryFormat.Header.withdrawn))
                entry.refused = Int(file.headerWord(AdvisoryFormat.Header.refused))
                entry.imported = Int64(bitPattern: file.headerLong(AdvisoryFormat.Header.imported))
                entry.checked = max(entry.imported, file.checked)
                entry.newest = Int64(bitPattern: file.headerLong(AdvisoryFormat.Header.newest))
                entry.bytes = Int64(bitPattern: file.headerLong(AdvisoryFormat.Header.size))
                entry.source = try file.string(file.headerWord(AdvisoryFormat.Header.source))
            } catch { entry.problem = "\(error)" }
            ecosystems.append(entry)
        }
        if let scores = (try? VulnerabilityScores(path: path + "/" + VulnerabilityScores.fileName)) ?? nil {
            self.scores = scores.entries
            scoresImported = scores.imported
        }
    }

    /// When the source of the oldest was last asked; 0 where there is none.
    package var oldest: Int64 { ecosystems.filter { $0.problem.isEmpty }.map(\.checked).min() ?? 0 }
}

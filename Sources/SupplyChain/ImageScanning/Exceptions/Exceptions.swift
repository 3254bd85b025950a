// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Inventory
import Reporting

/// All that says that a vulnerability does not count: ignore files, VEX documents and exemptions.
package struct Exceptions: Sendable {
    package var ignored: [IgnoreFile] = []
    package var statements: [VEXDocument] = []
    package var exemptions: [Exemption] = []

    package init() {}

    /// Marks what does not count. It stays in the report, with who says so and why.
    /// - Parameter now: seconds since 1970.
    package func apply(to report: inout ImageReport, now: Int64) {
        guard !ignored.isEmpty || !statements.isEmpty || !exemptions.isEmpty else { return }
        let today = String(Timestamp.iso8601(now).prefix(10))
        let names = [report.name, report.reference, report.digest, report.imageID, report.subject.name]
            .filter { !$0.isEmpty }
        let imageURL = url(report)
        let repository = Self.repository(report.reference)
        let vex = VEXIndex(statements)
        for index in report.vulnerabilities.indices {
            let item = report.vulnerabilities[index]
            let url = item.package.url(report.inventory.distribution).description
            report.vulnerabilities[index].exception =
                ignored.lazy.compactMap { $0.exception(for: item, url: url, today: today) }.first
                ?? vex.exception(
                    for: item,
                    VEXTarget(
                        item.package, image: names, imageURL: imageURL, repository: repository,
                        distribution: report.inventory.distribution))
                ?? exemption(for: item, report.subject, now)
        }
    }

    private func exemption(
        for item: ImageVulnerability, _ subject: Subject, _ now: Int64
    ) -> ImageVulnerability.Exception? {
        let check = item.check
        // Names of images are long; the part before the digest is what people write down.
        var short = subject
        short.name = String(subject.name.prefix { $0 != "@" })
        let found = exemptions.first { exemption in
            [subject, short].contains {
                exemption.covers(check: check, subject: $0, container: item.package.name, now: now)
            }
        }
        return found.map { ImageVulnerability.Exception(source: $0.owner, reason: $0.reason) }
    }

    /// `pkg:oci/NAME@sha256:…`, by which VEX documents name images.
    private func url(_ report: ImageReport) -> PackageURL? {
        let path = report.reference.split(separator: "@").first ?? ""
        let name = path.split(separator: "/").last?.split(separator: ":").first ?? ""
        return name.isEmpty ? nil : PackageURL(type: "oci", name: name.lowercased(), version: report.digest)
    }

    /// A reference without its tag and digest.
    private static func repository(_ reference: String) -> String {
        let path = reference.split(separator: "@").first ?? ""
        guard let colon = path.lastIndex(of: ":"), !path[colon...].contains("/") else { return String(path) }
        return String(path[..<colon])
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Inventory
import Malware
import OCI
import Secrets

/// What a scan of one image or folder found.
package struct ImageReport: Sendable {
    /// As the user named it.
    package var name: String
    /// `registry/repository:tag` where known.
    package var reference = ""
    /// Of the manifest; empty for folders and archives without one.
    package var digest = ""
    /// Of the configuration.
    package var imageID = ""
    /// `linux/amd64`; empty for folders.
    package var platform = ""
    package var created = ""
    package var inventory: ImageInventory
    /// Worst first.
    package var vulnerabilities: [ImageVulnerability] = []
    /// Advisories' age and counts; nil where none were looked up.
    package var advisories: AdvisoryState?

    package struct AdvisoryState: Sendable, Hashable {
        /// Seconds since 1970.
        package var updated: Int64
        package var records: Int

        package init(updated: Int64, records: Int) {
            self.updated = updated
            self.records = records
        }
    }

    package init(name: String, inventory: ImageInventory) {
        self.name = name
        self.inventory = inventory
    }

    package init(_ image: Image, _ inventory: ImageInventory) {
        self.init(name: image.name, inventory: inventory)
        (reference, digest, imageID) = (image.reference, image.manifestDigest, image.configDigest)
        let configuration = image.configuration
        platform = [configuration.os, configuration.architecture, configuration.variant].filter { !$0.isEmpty }
            .joined(separator: "/")
        created = configuration.created
    }

    /// Judges what the image says of itself.
    package mutating func judge(_ configuration: ImageConfiguration, secrets: SecretScanner) {
        let results = ImageConfigurationChecks.judge(configuration, reference: reference, secrets: secrets)
        inventory.misconfigurations =
            results.map { FileFinding(match: $0, layer: nil, fate: .visible) }
            + inventory.misconfigurations
        inventory.misconfigurations.sort { $0.match.check.severity > $1.match.check.severity }
    }

    /// What counts: neither excepted nor in doubt.
    package var counted: [ImageVulnerability] { vulnerabilities.filter { $0.exception == nil && $0.status != .error } }

    package func count(_ severity: Severity) -> Int {
        vulnerabilities.reduce(0) {
            $0 + ($1.severity == severity && $1.exception == nil && $1.status != .error ? 1 : 0)
        }
    }

    /// Of all that was found and counts; nil for nothing.
    package var worst: Severity? {
        let all =
            counted.map(\.severity) + inventory.secrets.map(\.match.severity) + inventory.malware.map(\.match.severity)
            + inventory.misconfigurations.lazy.filter { $0.match.outcome == .fail }.map(\.match.check.severity)
        return all.max()
    }

    /// Whether a part could not be read or judged, so that the report does not say all there is to say.
    package var isIncomplete: Bool {
        !inventory.problems.isEmpty || vulnerabilities.contains { $0.status == .error }
    }

    /// What findings are about: the image by its digest, or what it was called.
    package var subject: Subject {
        let identity = digest.isEmpty ? imageID : digest
        let place = reference.isEmpty ? name : reference
        return Subject(
            apiVersion: Self.group + "/v1", kind: "Image",
            name: identity.isEmpty || place.contains("@") ? place : "\(place)@\(identity)")
    }

    package static let group = Subject.imagesGroup
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What the API says about images and vulnerabilities.
extension JSONValue {
    static func image(_ image: ImageSummary) -> JSONValue {
        let counts = image.counts
        return [
            "digest": .string(image.digest), "references": .strings(image.references),
            "state": .string(image.state.rawValue), "vulnerabilities": .counts(counts.vulnerabilities),
            "fixable": .counts(counts.fixable), "malware": .count(counts.malware), "secrets": .count(counts.secrets),
            "misconfigurations": .count(counts.misconfigurations), "errors": .count(counts.errors),
            "packages": .count(image.packages), "size": .int(image.size), "containers": .count(image.containers),
            "workloads": .count(image.workloads), "scanned": .time(image.scanned),
            "firstSeen": .time(image.firstSeen), "message": .string(image.message),
        ]
    }

    static func image(_ image: ImageDetail) -> JSONValue {
        [
            "summary": .image(image.summary), "platform": .string(image.platform),
            "distribution": .string(image.distribution), "created": .string(image.created),
            "layers": .array(
                image.layers.map { layer in
                    [
                        "digest": .string(layer.digest), "createdBy": .string(layer.createdBy),
                        "size": .int(layer.size), "packages": .count(layer.packages),
                    ]
                }),
            "malware": .array(image.malware.map(file)), "secrets": .array(image.secrets.map(file)),
            "misconfigurations": .array(image.misconfigurations.map(file)),
            "users": .array(image.users.map { .user($0) }), "problems": .strings(image.problems),
        ]
    }

    private static func file(_ file: ImageDetail.FoundFile) -> JSONValue {
        [
            "rule": .string(file.rule), "title": .string(file.title), "severity": .string("\(file.severity)"),
            "path": .string(file.path), "message": .string(file.message), "remedy": .string(file.remedy),
        ]
    }

    static func user(_ user: ImageUser) -> JSONValue {
        [
            "subject": .subject(user.subject), "container": .string(user.container),
            "reference": .string(user.reference), "pods": .count(user.pods),
        ]
    }

    static func container(_ container: ContainerImage) -> JSONValue {
        [
            "container": .string(container.container), "reference": .string(container.reference),
            "pods": .count(container.pods), "image": container.image.map { .image($0) } ?? .null,
        ]
    }

    static func vulnerability(_ found: ImageDetail.Vulnerability) -> JSONValue {
        [
            "id": .string(found.id), "title": .string(found.title), "severity": .string("\(found.severity)"),
            "severitySource": .string(found.severitySource), "score": .optional(found.score),
            "package": .string(found.package), "version": .string(found.version), "path": .string(found.path),
            "fixedVersion": .string(found.fixedVersion), "status": .string(found.status),
            "exploitProbability": .optional(found.exploitProbability), "knownExploited": .bool(found.isKnownExploited),
            "exception": .string(found.exception),
        ]
    }

    static func package(_ package: ImageDetail.Package) -> JSONValue {
        [
            "name": .string(package.name), "version": .string(package.version), "kind": .string(package.kind),
            "path": .string(package.path), "layer": .optional(package.layer.map(Int64.init)),
        ]
    }

    static func vulnerability(_ found: VulnerabilitySummary) -> JSONValue {
        [
            "id": .string(found.id), "title": .string(found.title), "severity": .string("\(found.severity)"),
            "score": .optional(found.score), "exploitProbability": .optional(found.exploitProbability),
            "knownExploited": .bool(found.isKnownExploited), "packages": .strings(found.packages),
            "images": .count(found.images), "workloads": .count(found.workloads), "fixable": .bool(found.isFixable),
        ]
    }

    static func vulnerability(_ found: VulnerabilityDetail) -> JSONValue {
        [
            "summary": .vulnerability(found.summary), "aliases": .strings(found.aliases),
            "details": .string(found.details), "vector": .string(found.vector),
            "references": .strings(found.references),
            "published": .time(found.published > 0 ? found.published : nil),
            "places": .array(
                found.places.map { place in
                    [
                        "digest": .string(place.digest), "reference": .string(place.reference),
                        "package": .string(place.package), "version": .string(place.version),
                        "fixedVersion": .string(place.fixedVersion), "path": .string(place.path),
                        "users": .array(place.users.map { .user($0) }),
                    ]
                }),
        ]
    }

    static func scans(_ state: ImageScanState) -> JSONValue {
        [
            "images": .count(state.images), "scanned": .count(state.scanned), "waiting": .count(state.waiting),
            "running": .array(
                state.running.map { job in
                    [
                        "reference": .string(job.reference), "digest": .string(job.digest),
                        "layersDone": .count(job.layersDone), "layers": .count(job.layers),
                        "started": .time(job.started),
                    ]
                }),
            "failures": .array(
                state.failures.map { failure in
                    [
                        "reference": .string(failure.reference), "digest": .string(failure.digest),
                        "message": .string(failure.message), "attempts": .count(failure.attempts),
                        "next": .time(failure.next),
                    ]
                }),
            "advisoriesUpdated": .time(state.advisoriesUpdated), "advisoryRecords": .count(state.advisoryRecords),
            "problem": .string(state.problem),
        ]
    }

    static func trend(_ point: ImageTrendPoint) -> JSONValue {
        [
            "time": .time(point.time), "images": .count(point.images),
            "vulnerabilities": .counts(point.vulnerabilities), "fixable": .count(point.fixable),
        ]
    }
}

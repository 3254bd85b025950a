// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The shapes of what the API says about images and vulnerabilities.
extension Schemas {
    static let images: KeyValuePairs<String, JSONValue> = [
        "Image": object([
            "digest": text, "references": texts, "state": choice(ImageSummary.State.allCases.map(\.rawValue)),
            "vulnerabilities": counts, "fixable": counts, "malware": number, "secrets": number,
            "misconfigurations": number, "errors": number, "packages": number, "size": number, "containers": number,
            "workloads": number, "scanned": maybeTime, "firstSeen": time, "message": text,
        ]),
        "ImagePage": page("Image"),
        "ImageDetail": object([
            "summary": named("Image"), "platform": text, "distribution": text, "created": text,
            "layers": list(named("ImageLayer")), "malware": list(named("ImageFile")),
            "secrets": list(named("ImageFile")), "misconfigurations": list(named("ImageFile")),
            "users": list(named("ImageUser")), "problems": texts,
        ]),
        "ImageLayer": object(["digest": text, "createdBy": text, "size": number, "packages": number]),
        "ImageFile": object([
            "rule": text, "title": text, "severity": severity, "path": text, "message": text, "remedy": text,
        ]),
        "ImageUser": object(["subject": named("Subject"), "container": text, "reference": text, "pods": number]),
        "ContainerImage": object(["container": text, "reference": text, "pods": number, "image": maybe("Image")]),
        "ImageVulnerability": object([
            "id": text, "title": text, "severity": severity, "severitySource": text, "score": maybeDecimal,
            "package": text, "version": text, "path": text, "fixedVersion": text,
            "status": choice(["fixed", "affected", "won't fix", "error"]), "exploitProbability": maybeDecimal,
            "knownExploited": flag, "exception": text,
        ]),
        "ImageVulnerabilityPage": page("ImageVulnerability"),
        "ImagePackage": object([
            "name": text, "version": text, "kind": text, "path": text, "layer": maybeNumber,
        ]),
        "ImagePackagePage": page("ImagePackage"),
        "ImageScans": object([
            "images": number, "scanned": number, "waiting": number, "running": list(named("ImageScanJob")),
            "failures": list(named("ImageScanFailure")), "advisoriesUpdated": maybeTime, "advisoryRecords": number,
            "problem": text,
        ]),
        "ImageScanJob": object([
            "reference": text, "digest": text, "layersDone": number, "layers": number, "started": time,
        ]),
        "ImageScanFailure": object([
            "reference": text, "digest": text, "message": text, "attempts": number, "next": maybeTime,
        ]),
        "ImageTrend": object(["items": list(named("ImageTrendPoint")), "total": number]),
        "ImageTrendPoint": object(["time": time, "images": number, "vulnerabilities": counts, "fixable": number]),
        "Vulnerability": object([
            "id": text, "title": text, "severity": severity, "score": maybeDecimal,
            "exploitProbability": maybeDecimal, "knownExploited": flag, "packages": texts, "images": number,
            "workloads": number, "fixable": flag,
        ]),
        "VulnerabilityPage": page("Vulnerability"),
        "VulnerabilityDetail": object([
            "summary": named("Vulnerability"), "aliases": texts, "details": text, "vector": text,
            "references": texts, "published": maybeTime, "places": list(named("VulnerablePlace")),
        ]),
        "VulnerablePlace": object([
            "digest": text, "reference": text, "package": text, "version": text, "fixedVersion": text, "path": text,
            "users": list(named("ImageUser")),
        ]),
    ]
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Console
import Findings
import Synchronization

/// Images of a shop as scans find them: an old one, a clean one, one with malware, one that fails, one in the queue, and
/// one whose texts would be markup.
final class SampleImages: ImageControl {
    static let hostile = "<script>alert(1)</script>\"'"
    static let hostileID = "CVE-<img src=x onerror=alert(4)>"
    static let cart = digest(1)
    static let payments = digest(2)
    static let failing = digest(5)
    static let waiting = digest(6)
    static let evil = digest(9)

    static func digest(_ number: Int) -> String {
        let digits = String(repeating: "0f3c2a9b8d7e61425364758697a8b9ca", count: 2)
        return "sha256:\(number)\(digits.dropFirst(1))"
    }

    private let current: Mutex<ImageScanState>
    private let details: [ImageDetail]
    private let known: [VulnerabilityDetail]
    private let points: [ImageTrendPoint]
    private let asked = Mutex<[String]>([])

    /// What `rescan` was asked for, and by whom.
    var rescans: [String] { asked.withLock { $0 } }

    init(
        now: Int64 = 1_790_000_000, change: (inout ImageScanState) -> Void = { _ in }, isEmpty: Bool = false
    ) {
        var samples = Samples(now: now)
        details = isEmpty ? [] : samples.images()
        known = isEmpty ? [] : samples.vulnerabilities(details)
        points = isEmpty ? [] : samples.trend()
        var state = samples.state()
        if isEmpty { state = ImageScanState() }
        change(&state)
        current = Mutex(state)
    }

    func state() async -> ImageScanState { current.withLock { $0 } }

    func set(_ change: (inout ImageScanState) -> Void) { current.withLock { change(&$0) } }

    func images(_ query: ImageQuery, limit: Int, offset: Int) async throws -> (images: [ImageSummary], total: Int) {
        let found = details.filter { image in
            let counts = image.summary.counts
            if !query.includesPast, image.summary.containers == 0 { return false }
            if query.onlyMalware, counts.malware == 0 { return false }
            if query.onlyFixable, counts.fixable.isEmpty { return false }
            if let least = query.severity, !counts.vulnerabilities.keys.contains(where: { $0 >= least }) {
                return false
            }
            if !query.namespace.isEmpty, !image.users.contains(where: { $0.subject.namespace == query.namespace }) {
                return false
            }
            return query.text.isEmpty
                || (image.summary.references + [image.summary.digest])
                    .contains { $0.contains(query.text) }
        }.map(\.summary)
        let sorted = query.sort == .name ? found.sorted { $0.references[0] < $1.references[0] } : found
        return (Array(sorted.dropFirst(offset).prefix(limit)), found.count)
    }

    func image(_ digest: String) async throws -> ImageDetail? { details.first { $0.summary.digest == digest } }

    func vulnerabilities(
        _ query: VulnerabilityQuery, limit: Int, offset: Int
    ) async throws -> (vulnerabilities: [VulnerabilitySummary], total: Int) {
        let found = known.map(\.summary).filter { one in
            if let least = query.severity, one.severity < least { return false }
            if query.onlyFixable, !one.isFixable { return false }
            if query.onlyExploited, !one.isKnownExploited { return false }
            return query.text.isEmpty || one.id.contains(query.text)
                || one.packages.contains { $0.contains(query.text) }
        }
        return (Array(found.dropFirst(offset).prefix(limit)), found.count)
    }

    func vulnerability(_ id: String) async throws -> VulnerabilityDetail? { known.first { $0.summary.id == id } }

    func bill(_ digest: String, _ format: BillFormat) async throws -> [UInt8]? {
        guard let image = try await image(digest), image.summary.scanned != nil else { return nil }
        let text = format == .spdx ? #"{"spdxVersion":"SPDX-2.3"}"# : #"{"bomFormat":"CycloneDX"}"#
        return Array(text.utf8)
    }

    func rescan(_ digest: String, by: String) async throws -> Bool {
        guard digest != Self.waiting, try await image(digest) != nil else { return false }
        asked.withLock { $0.append("\(digest) \(by)") }
        return true
    }

    func trend(days: Int) async throws -> [ImageTrendPoint] { points.suffix(days) }

    func containers(of workload: Subject) async throws -> [ContainerImage] {
        details.flatMap { image in
            image.users.filter {
                ($0.subject.kind, $0.subject.namespace, $0.subject.name)
                    == (workload.kind, workload.namespace, workload.name)
            }.map {
                ContainerImage(container: $0.container, reference: $0.reference, pods: $0.pods, image: image.summary)
            }
        }
    }
}

/// Makes the data of `SampleImages`.
private struct Samples {
    let now: Int64

    typealias Vulnerability = ImageDetail.Vulnerability
    typealias FoundFile = ImageDetail.FoundFile

    func state() -> ImageScanState {
        var state = ImageScanState()
        (state.images, state.scanned, state.waiting) = (9, 6, 3)
        state.running = [
            .init(
                reference: "registry.example.com/shop/search:7.2", digest: SampleImages.digest(7), layersDone: 3,
                layers: 9, started: now - 14)
        ]
        state.failures = [
            .init(
                reference: "registry.example.com/legacy/reports:2019", digest: SampleImages.failing,
                message: "registry.example.com answers 401: its credentials are missing or wrong", attempts: 4,
                next: now + 1300)
        ]
        (state.advisoriesUpdated, state.advisoryRecords) = (now - 5 * 3600, 312_408)
        return state
    }

    func trend() -> [ImageTrendPoint] {
        (0..<30).map { day in
            let wave = [0, 1, 3, 2, 4, 1][day % 6]
            let isMended = day > 21
            return ImageTrendPoint(
                time: now - Int64(29 - day) * 86_400, images: 8 + day / 15,
                vulnerabilities: [
                    .critical: isMended ? 4 : 7 + wave / 2, .high: 31 - day / 3 + wave, .medium: 64 + wave * 2 - day,
                    .low: 38 + wave,
                ], fixable: (isMended ? 41 : 73) - day / 2 + wave)
        }
    }

    // MARK: Images

    mutating func images() -> [ImageDetail] {
        [evil(), payments(), cart(), search(), proxy(), clean(), failing(), waiting(), past()].sorted {
            // Worst first, as the real one sorts.
            let counts = { (image: ImageDetail) in
                Severity.allCases.reversed().map { image.summary.counts.vulnerabilities[$0] ?? 0 }
            }
            return counts($1).lexicographicallyPrecedes(counts($0))
        }
    }

    private func summary(
        _ number: Int, _ references: [String], _ state: ImageSummary.State, size: Int64 = 0, packages: Int = 0
    ) -> ImageSummary {
        var summary = ImageSummary(digest: SampleImages.digest(number), references: references, state: state)
        (summary.size, summary.packages) = (size, packages)
        summary.firstSeen = now - Int64(number) * 86_400 * 5
        if state == .complete || state == .incomplete { summary.scanned = now - Int64(number) * 700 }
        return summary
    }

    private func user(
        _ kind: String, _ namespace: String, _ name: String, _ container: String, _ reference: String, _ pods: Int
    )
        -> ImageUser
    {
        ImageUser(
            subject: Subject(
                apiVersion: kind == "Pod" ? "v1" : kind == "CronJob" ? "batch/v1" : "apps/v1", kind: kind,
                namespace: namespace, name: name), container: container, reference: reference, pods: pods)
    }

    /// The counts that the vulnerabilities and files make.
    private func counted(_ image: ImageDetail) -> ImageDetail {
        var image = image
        var counts = ImageCounts()
        for found in image.vulnerabilities where found.exception.isEmpty {
            if found.status == "error" {
                counts.errors += 1
                continue
            }
            counts.vulnerabilities[found.severity, default: 0] += 1
            if !found.fixedVersion.isEmpty { counts.fixable[found.severity, default: 0] += 1 }
        }
        (counts.malware, counts.secrets) = (image.malware.count, image.secrets.count)
        counts.misconfigurations = image.misconfigurations.count
        counts.errors += image.problems.count
        image.summary.counts = counts
        image.summary.containers = image.users.reduce(0) { $0 + $1.pods }
        image.summary.workloads = Set(image.users.map(\.subject)).count
        image.summary.packages = max(image.summary.packages, image.packages.count)
        image.vulnerabilities.sort { ($1.severity, $0.id) < ($0.severity, $1.id) }
        return image
    }

    private static let openssl = Vulnerability(
        id: "CVE-2024-5535", title: "SSL_select_next_proto reads beyond its buffer", severity: .critical,
        severitySource: "NVD", score: 9.1, package: "libssl3", version: "3.0.11-1~deb12u2",
        path: "var/lib/dpkg/status", fixedVersion: "3.0.15-1~deb12u1", status: "fixed", exploitProbability: 0.0421)

    private static let log4j = Vulnerability(
        id: "CVE-2021-44228", title: "Remote code execution in Log4j 2 by lookups in messages", severity: .critical,
        severitySource: "GitHub", score: 10, package: "org.apache.logging.log4j:log4j-core", version: "2.14.1",
        path: "app/payments.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar", fixedVersion: "2.15.0", status: "fixed",
        exploitProbability: 0.9443, isKnownExploited: true)

    private static let zlib = Vulnerability(
        id: "CVE-2023-45853", title: "Heap overflow of minizip in zipOpenNewFileInZip4_64", severity: .critical,
        severitySource: "NVD", score: 9.8, package: "zlib1g", version: "1:1.2.13.dfsg-1",
        path: "var/lib/dpkg/status", status: "won't fix", exploitProbability: 0.0087)

    /// Vulnerabilities of a distribution's packages, as an image of half a year has them.
    private func debian(_ count: Int) -> [Vulnerability] {
        let packages = [
            ("libc6", "2.36-9+deb12u3", "2.36-9+deb12u9"), ("libexpat1", "2.5.0-1", "2.5.0-1+deb12u1"),
            ("perl-base", "5.36.0-7+deb12u1", ""), ("libgnutls30", "3.7.9-2+deb12u1", "3.7.9-2+deb12u3"),
            ("libsystemd0", "252.22-1~deb12u1", ""), ("tar", "1.34+dfsg-1.2", "1.34+dfsg-1.2+deb12u1"),
            ("curl", "7.88.1-10+deb12u5", "7.88.1-10+deb12u8"), ("libxml2", "2.9.14+dfsg-1.3~deb12u1", ""),
        ]
        let titles = [
            "Out-of-bounds read while a name is resolved", "Endless loop on a truncated document",
            "Use after free in a parser of attributes", "Timing tells an attacker about a private key",
            "A crafted archive leads to a stack overflow",
        ]
        return (0..<count).map { number in
            let package = packages[number % packages.count]
            return Vulnerability(
                id: "CVE-\(2022 + number % 4)-\(20_000 + number * 137)", title: titles[number % titles.count],
                severity: [.high, .medium, .low, .medium, .low, .medium, .high, .informational][number % 8],
                severitySource: number % 3 == 0 ? "Debian" : "NVD", score: 3.1 + Double(number % 6),
                package: package.0, version: package.1, path: "var/lib/dpkg/status", fixedVersion: package.2,
                status: package.2.isEmpty ? "affected" : "fixed",
                exploitProbability: number % 4 == 0 ? nil : Double(number % 40) / 900)
        }
    }

    private func packages(_ count: Int) -> [ImageDetail.Package] {
        let names = ["adduser", "apt", "base-files", "bash", "coreutils", "dpkg", "findutils", "grep", "gzip", "libc6"]
        return (0..<count).map { number in
            let isPython = number % 5 == 4
            return ImageDetail.Package(
                name: names[number % names.count] + (number < names.count ? "" : "-\(number)"),
                version: "\(number % 9 + 1).\(number % 13).\(number % 7)-1+deb12u\(number % 4)",
                kind: isPython ? "pypi" : "deb",
                path: isPython ? "usr/lib/python3/dist-packages/x\(number).dist-info/METADATA" : "var/lib/dpkg/status",
                layer: number % 11 == 0 ? nil : number % 4)
        }
    }

    private static let layers: [ImageDetail.Layer] = [
        .init(
            digest: SampleImages.digest(3), createdBy: "/bin/sh -c #(nop) ADD file:0f3c2a9b8d7e in / ",
            size: 29_124_181, packages: 88),
        .init(
            digest: SampleImages.digest(4),
            createdBy:
                "/bin/sh -c set -eux; apt-get update; apt-get install -y --no-install-recommends ca-certificates curl gnupg openssl tzdata; rm -rf /var/lib/apt/lists/*",
            size: 61_408_212, packages: 41),
        .init(
            digest: SampleImages.digest(5), createdBy: "RUN pip install -r requirements.txt # buildkit",
            size: 148_201_993, packages: 63),
        .init(digest: SampleImages.digest(6), createdBy: "COPY . /app # buildkit", size: 2_410_113, packages: 0),
        .init(digest: SampleImages.digest(7), createdBy: "", size: 32, packages: 0),
    ]

    private func cart() -> ImageDetail {
        let reference = "registry.example.com/shop/cart:1.2"
        var image = ImageDetail(
            summary: summary(1, [reference, "registry.example.com/shop/cart:latest"], .complete, size: 241_144_531))
        (image.platform, image.distribution) = ("linux/amd64", "Debian GNU/Linux 12")
        image.created = "2026-03-11T08:14:02Z"
        image.vulnerabilities = debian(96) + [Self.openssl, Self.zlib]
        image.vulnerabilities.append(
            Vulnerability(
                id: "CVE-2024-6345", title: "setuptools runs code from the name of a package", severity: .high,
                severitySource: "GitHub", score: 8.8, package: "setuptools", version: "65.5.1",
                path: "usr/local/lib/python3.12/site-packages/setuptools-65.5.1.dist-info/METADATA",
                fixedVersion: "70.0.0", status: "fixed", exploitProbability: 0.0004,
                exception: "not reachable: nothing is installed at run time (until 2026-12-31)"))
        image.layers = Self.layers
        image.packages = packages(192)
        image.secrets = [
            FoundFile(
                rule: "aws-access-key", title: "Access key of AWS", severity: .high, path: "app/.env",
                message: "line 3: AKIA… (20 characters, 5f1c09ab)",
                remedy:
                    "Take it out of the image, hand it to the container as a Secret, and revoke it: every layer keeps it."
            )
        ]
        image.misconfigurations = [
            FoundFile(
                rule: "BW-IMG-101", title: "The image runs as root", severity: .medium, path: "",
                message: "No USER is set, so the process is root unless the pod says otherwise.",
                remedy: "Add a USER to the end of the Dockerfile.")
        ]
        image.users = [
            user("Deployment", "shop", "storefront", "cart", reference, 12),
            user("Deployment", "shop", "thumbnails", "cart", reference, 2),
            user("CronJob", "shop", "cart-cleanup", "cleanup", "registry.example.com/shop/cart:latest", 1),
        ]
        return counted(image)
    }

    private func payments() -> ImageDetail {
        let reference = "registry.example.com/shop/payments@\(SampleImages.payments)"
        var image = ImageDetail(summary: summary(2, [reference], .incomplete, size: 412_811_002, packages: 214))
        (image.platform, image.distribution) = ("linux/amd64", "Ubuntu 22.04.3 LTS")
        image.vulnerabilities = debian(40) + [Self.log4j, Self.zlib]
        image.problems = ["app/lib/native.jar: the archive ends in the middle of an entry"]
        image.layers = Self.layers
        image.packages = packages(20)
        image.malware = [
            FoundFile(
                rule: "EICAR_test_file", title: "The test file that every scanner knows", severity: .critical,
                path: "tmp/eicar.com", message: "68 bytes, in layer 4",
                remedy: "Find out who put it there, and build the image anew from sources that you trust.")
        ]
        image.users = [
            user("Deployment", "payments", "payments-api", "api", reference, 6),
            user("StatefulSet", "payments", "ledger", "ledger", reference, 3),
        ]
        return counted(image)
    }

    private func search() -> ImageDetail {
        var image = ImageDetail(
            summary: summary(7, ["registry.example.com/shop/search:7.2"], .scanning, size: 611_200_118))
        image.users = [user("StatefulSet", "shop", "search", "search", "registry.example.com/shop/search:7.2", 3)]
        return counted(image)
    }

    private func proxy() -> ImageDetail {
        var image = ImageDetail(summary: summary(3, ["docker.io/library/nginx:1.25"], .complete, size: 71_005_412))
        (image.platform, image.distribution) = ("linux/amd64", "Debian GNU/Linux 12")
        image.vulnerabilities = debian(12) + [Self.openssl]
        image.packages = packages(149)
        image.layers = Array(Self.layers.prefix(2))
        image.users = (1...11).map { number in
            user("Deployment", "team-\(number)", "frontend", "nginx", "docker.io/library/nginx:1.25", 2)
        }
        return counted(image)
    }

    private func clean() -> ImageDetail {
        let reference = "gcr.io/distroless/static-debian12:nonroot"
        var image = ImageDetail(summary: summary(4, [reference], .complete, size: 1_984_210, packages: 3))
        image.distribution = "Debian GNU/Linux 12"
        image.users = [user("DaemonSet", "kube-system", "node-exporter", "exporter", reference, 9)]
        return counted(image)
    }

    private func failing() -> ImageDetail {
        let reference = "registry.example.com/legacy/reports:2019"
        var image = ImageDetail(summary: summary(5, [reference], .failed))
        image.summary.message = "registry.example.com answers 401: its credentials are missing or wrong"
        image.users = [user("CronJob", "legacy", "reports", "reports", reference, 1)]
        return counted(image)
    }

    private func waiting() -> ImageDetail {
        let reference =
            "registry.example.com/a-team-with-a-very-long-name/a-service-with-a-very-long-name-indeed:2026.03.11-build.4711"
        var image = ImageDetail(summary: summary(6, [reference], .waiting))
        image.users = [user("Deployment", "shop", "a-service-with-a-very-long-name-indeed", "main", reference, 2)]
        return counted(image)
    }

    private func past() -> ImageDetail {
        var image = ImageDetail(
            summary: summary(8, ["registry.example.com/shop/cart:1.1"], .complete, size: 239_100_004))
        image.vulnerabilities = debian(60)
        return counted(image)
    }

    private func evil() -> ImageDetail {
        let hostile = SampleImages.hostile
        var image = ImageDetail(summary: summary(9, ["evil.example/\(hostile):1", hostile], .incomplete))
        (image.platform, image.distribution, image.created) = (hostile, hostile, hostile)
        image.summary.message = hostile
        image.vulnerabilities = [
            Vulnerability(
                id: SampleImages.hostileID, title: hostile, severity: .high, severitySource: "\" onfocus=alert(2) x=\"",
                score: .nan, package: hostile, version: hostile, path: hostile, fixedVersion: hostile, status: hostile,
                exploitProbability: .infinity, isKnownExploited: true),
            Vulnerability(
                id: "CVE-2024-0001", title: hostile, severity: .low, package: hostile, version: hostile,
                status: "affected", exception: hostile),
        ]
        image.malware = [
            FoundFile(
                rule: hostile, title: hostile, severity: .critical, path: hostile, message: hostile + "!",
                remedy: hostile)
        ]
        image.problems = [hostile]
        image.layers = [.init(digest: hostile, createdBy: hostile, size: -1, packages: -1)]
        image.packages = [.init(name: hostile, version: hostile, kind: hostile, path: hostile, layer: .max - 1)]
        image.users = [user("Pod", hostile, hostile, hostile, hostile, 1)]
        return counted(image)
    }

    // MARK: Vulnerabilities

    func vulnerabilities(_ images: [ImageDetail]) -> [VulnerabilityDetail] {
        var details: [String: VulnerabilityDetail] = [:]
        for image in images {
            for found in image.vulnerabilities {
                var detail =
                    details[found.id]
                    ?? VulnerabilityDetail(
                        summary: VulnerabilitySummary(
                            id: found.id, title: found.title, severity: found.severity, score: found.score,
                            exploitProbability: found.exploitProbability, isKnownExploited: found.isKnownExploited,
                            packages: [found.package], images: 0, workloads: 0, isFixable: false))
                detail.summary.images += 1
                detail.summary.workloads += image.users.count
                detail.summary.isFixable = detail.summary.isFixable || !found.fixedVersion.isEmpty
                detail.places.append(
                    .init(
                        digest: image.summary.digest, reference: image.summary.references[0], package: found.package,
                        version: found.version, fixedVersion: found.fixedVersion, path: found.path,
                        users: image.users))
                details[found.id] = detail
            }
        }
        return details.values.map(described).sorted {
            ($1.summary.severity, $0.summary.id) < ($0.summary.severity, $1.summary.id)
        }
    }

    private func described(_ detail: VulnerabilityDetail) -> VulnerabilityDetail {
        var detail = detail
        detail.places.sort { $1.users.reduce(0) { $0 + $1.pods } < $0.users.reduce(0) { $0 + $1.pods } }
        switch detail.summary.id {
        case SampleImages.hostileID:
            (detail.details, detail.vector, detail.aliases) =
                (SampleImages.hostile, SampleImages.hostile, [SampleImages.hostile])
            detail.references = [
                "javascript:alert(1)", "https://evil.example/\"onmouseover=alert(1)", "data:text/html,x",
                " https://spaced.example", "HTTPS://GOOD.example/?a=1&b=2", SampleImages.hostile,
            ]
        default:
            detail.aliases = ["GHSA-4fc7-mvrr-wv2c", "DSA-5764-1"]
            detail.vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H"
            detail.published = now - 120 * 86_400
            detail.details =
                "Issue summary: calling the function with an empty buffer of supported protocols may make it read memory that is not its own, or crash.\n\nImpact summary: a buffer overread can have consequences such as unexpected behaviour of the application, or up to 255 bytes of its private memory may be sent to the peer.\n\n- Only programs that call it directly\n  are affected.\n- TLS itself is not."
            detail.references = [
                "https://www.openssl.org/news/secadv/20240627.txt",
                "https://security-tracker.debian.org/tracker/\(detail.summary.id)",
            ]
        }
        return detail
    }
}

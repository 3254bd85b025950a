// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Testing

@testable import ImagePolicies

/// The object of a YAML or JSON text.
func object(_ text: String) throws -> Node {
    try #require(DocumentReader.documents(in: Array(text.utf8), source: "test").first).get().root
}

let digest = "sha256:" + String(repeating: "ab", count: 32)

/// An ImageScan as the API server holds it after the server wrote this status.
func scan(_ verdict: ImageVerdict) throws -> Node {
    let status = try object(ImageScan.statusPatch(verdict))
    let asked = ImageScan.object(verdict.reference)
    return try object(asked.dropLast() + "," + status.json().dropFirst())
}

@Suite struct ImageScanTests {
    @Test(arguments: [
        ("nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("INDEX.docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ("Docker.io/nginx:1", "docker.io/library/nginx:1"),
        ("Registry.Example.com/Shop/cart:1".replacing("Shop", with: "shop"), "registry.example.com/shop/cart:1"),
        ("registry.example.com:443/shop/cart", "registry.example.com/shop/cart:latest"),
        ("registry.example.com:5000/cart:V1", "registry.example.com:5000/cart:V1"),
        ("a.example/b:1@" + digest, "a.example/b@" + digest),
        ("a.example/b@" + digest, "a.example/b@" + digest),
    ]) func referencesAreMadeWhole(_ image: String, _ whole: String) throws {
        #expect(try ImageScan.reference(image) == whole)
        #expect(try ImageScan.reference(whole) == whole, "a whole one stays as it is")
    }

    @Test(arguments: ["", " nginx", "nginx ", "a/B:1", "a:b:c/", "a@sha256:12", String(repeating: "a", count: 2000)])
    func otherTextsAreNoReferences(_ image: String) {
        #expect(throws: ImagePolicyError.self) { try ImageScan.reference(image) }
    }

    @Test(arguments: [
        ("registry.example.com/shop/cart:1.2", "cart-"), ("docker.io/library/nginx@" + digest, "nginx-"),
        ("a.example/x/a__b--c.d:1", "a-b-c-d-"), ("a.example/" + String(repeating: "x", count: 200) + ":1", "xxxx"),
    ]) func namesAreThoseOfObjects(_ reference: String, _ start: String) {
        let name = ImageScan.name(of: reference)
        #expect(name.hasPrefix(start) && name.utf8.count <= 101, "\(name)")
        #expect(name.wholeMatch(of: /[a-z0-9]([a-z0-9-]*[a-z0-9])?/) != nil, "\(name)")
        #expect(name.wholeMatch(of: /.*-[0-9a-f]{40}/) != nil, "\(name)")
        #expect(name == ImageScan.name(of: reference))
        #expect(name != ImageScan.name(of: reference + "1"))
    }

    static var full: ImageVerdict {
        var verdict = ImageVerdict(reference: "registry.example.com/shop/cart:1.2", phase: .complete)
        verdict.digest = digest
        (verdict.resolved, verdict.scanned, verdict.advisories) = (1_800_000_000, 1_800_000_100, 1_799_990_000)
        verdict.vulnerabilities = [.critical: .init(total: 2, fixable: 2), .low: .init(total: 7, fixable: 1)]
        verdict.worst = [
            .init(id: "CVE-2024-1", severity: .critical, package: "openssl", version: "3.0.11", fixedVersion: "3.0.17")
        ]
        (verdict.malware, verdict.secrets, verdict.misconfigurations) = (1, 2, 3)
        verdict.message = "an \"odd\" one\n"
        return verdict
    }

    @Test func whatIsWrittenIsRead() throws {
        var verdict = Self.full
        #expect(try ImageScan.verdict(of: scan(verdict)) == verdict)
        verdict.phase = .incomplete
        #expect(try ImageScan.verdict(of: scan(verdict)) == verdict)
        // Without a result there are no numbers.
        for phase in [ImageVerdict.Phase.pending, .scanning, .failed] {
            var without = ImageVerdict(reference: verdict.reference, phase: phase)
            without.message = "registry says no"
            #expect(try ImageScan.verdict(of: scan(without)) == without)
        }
        let asked = try object(ImageScan.object(verdict.reference))
        #expect(try ImageScan.verdict(of: asked) == ImageVerdict(reference: verdict.reference, phase: .pending))
    }

    /// There are API servers that refuse empty strings.
    @Test func whatIsEmptyIsLeftOut() throws {
        var verdict = Self.full
        verdict.worst = [.init(id: "CVE-2024-3", severity: .high, package: "zlib", version: "")]
        verdict.message = ""
        #expect(!ImageScan.statusPatch(verdict).contains(#""""#))
        #expect(try ImageScan.verdict(of: scan(verdict)) == verdict)
    }

    /// What a scanner says too much of is held to what can be read again.
    @Test func whatIsTooMuchIsCut() throws {
        var verdict = Self.full
        verdict.vulnerabilities = [.critical: .init(total: .max, fixable: .max), .high: .init(total: -1, fixable: 3)]
        verdict.malware = .max
        verdict.message = String(repeating: "é", count: 5000)
        verdict.worst = Array(
            repeating: .init(
                id: String(repeating: "x", count: 3000), severity: .high, package: "🦄".repeated(400), version: ""),
            count: 50)
        let read = try ImageScan.verdict(of: scan(verdict))
        #expect(read.vulnerabilities[.critical]?.total == 100_000_000 && read.vulnerabilities[.high] == nil)
        #expect(read.malware == 1_000_000_000 && read.worst.count == 10)
        #expect(read.worst[0].package.utf8.count <= 200 && read.worst[0].package.hasSuffix("🦄…"))
        #expect(read.message.utf8.count <= 1000)
    }

    /// Statuses and specs of somebody who wants an image to look clean, or a reader to fall.
    @Test(arguments: [
        (#""phase":"Complete""#, #""phase":"complete""#, "status.phase"),
        (#""phase":"Complete""#, #""phase":7"#, "status.phase"),
        (#""digest":""#, #""digest":"x"#, "status.digest"),
        (#""digest":""#, #""other":""#, "status.digest is missing"),
        (#""scanned":"2027-01-15T08:01:40Z""#, #""scanned":null"#, "status.scanned is missing"),
        (#""scanned":"2027-01-15T08:01:40Z""#, #""scanned":"yesterday""#, "status.scanned"),
        (#""scanned":"2027-01-15T08:01:40Z""#, #""scanned":"1969-01-15T08:01:40Z""#, "status.scanned"),
        (#""vulnerabilities":{"#, #""vulnerabilitie":{"#, "status.vulnerabilities is missing"),
        (#""critical":2"#, #""critical":0"#, "status.vulnerabilities.total"),
        (#""critical":2"#, #""critical":-2"#, "status.vulnerabilities.critical"),
        (#""critical":2"#, #""critical":"2""#, "status.vulnerabilities.critical"),
        (#""critical":2"#, #""critical":99999999999999999999999"#, "status.vulnerabilities.critical"),
        (#""critical":2"#, #""critica":2"#, "status.vulnerabilities.critical is missing"),
        (#""malware":1"#, #""malware":null"#, "status.malware"),
        (#""malware":1"#, #""malware":1.5"#, "status.malware"),
        (#""secrets":2"#, #""secret":2"#, "status.secrets is missing"),
        (#""worst":["#, #""worst":[7,"#, "status.worst[0]"),
        (#""severity":"critical""#, #""severity":"dire""#, "status.worst[0].severity"),
        (#""status":{"#, #""status":[],"old":{"#, "status must be an object"),
        (
            #""image":"registry.example.com/shop/cart:1.2""#, #""image":"registry.example.com/shop/other:1""#,
            "metadata.name"
        ),
        (#""image":"registry.example.com/shop/cart:1.2""#, #""image":"a.example/A b""#, "spec.image"),
        (
            #""image":"registry.example.com/shop/cart:1.2""#, #""image":"Registry.example.com/shop/cart:1.2""#,
            "spec.image"
        ),
        (#""image":"registry.example.com/shop/cart:1.2""#, #""image":7"#, "spec.image"),
    ]) func whatCannotBeReadIsAnError(_ good: String, _ bad: String, _ place: String) throws {
        let text = try scan(Self.full).json()
        #expect(text.contains(good), "\(text)")
        let error = #expect(throws: ImagePolicyError.self) {
            try ImageScan.verdict(of: object(text.replacing(good, with: bad, maxReplacements: 1)))
        }
        #expect(error?.message.contains(place) == true && error?.code == .scan, "\(error?.message ?? "")")
    }

    /// Whatever stands in an object, reading ends with a result that holds together or an error.
    @Test func randomChangesDoNoHarm() throws {
        var random = SystemRandomNumberGenerator()
        let texts = [
            Array(try scan(Self.full).json().utf8),
            Array(
                policyText(
                    #"{"namespaces":{"names":["a"],"selector":{"matchLabels":{"a":"b"}}},"images":["a.example/*"],"rules":{"vulnerabilities":[{"severity":"low","maxCount":3}],"maxScanAge":"7d"},"whenMissing":"wait","waitSeconds":9}"#
                ).utf8),
        ]
        let pieces = ["null", "-1", "1e99", "[]", "{}", "\"\"", "true", "99999999999", "\"x\"", ",", ":", "\u{0}", "é"]
        var readable = 0
        for round in 0..<20_000 {
            var bytes = texts[round % 2]
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let start = Int.random(in: 0..<bytes.count, using: &random)
                let end = min(start + Int.random(in: 0..<6, using: &random), bytes.count)
                bytes.replaceSubrange(start..<end, with: Array(pieces.randomElement(using: &random)?.utf8 ?? "".utf8))
            }
            guard let root = try? JSONReader.read(bytes, source: "random").root else { continue }
            readable += 1
            if let policy = try? ImagePolicy(root) { #expect(!policy.name.isEmpty) }
            guard let verdict = try? ImageScan.verdict(of: root), verdict.hasResult else { continue }
            #expect(verdict.scanned > 0 && !verdict.digest.isEmpty && verdict.reference == Self.full.reference)
            #expect(verdict.vulnerabilities.values.allSatisfy { $0.fixable <= $0.total && $0.total > 0 })
        }
        #expect(readable > 1000)
    }

    @Test func moreFixableThanThereAreIsAnError() throws {
        let text = try scan(Self.full).json().replacing(
            #""fixable":{"total":3,"critical":2"#, with: #""fixable":{"total":4,"critical":3"#)
        let error = #expect(throws: ImagePolicyError.self) { try ImageScan.verdict(of: object(text)) }
        #expect(error?.message.contains("status.fixable.critical") == true, "\(error?.message ?? "")")
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2027-01-31T00:00:00Z", 1_801_353_600),
            ("2024-02-29T23:59:59Z", 1_709_251_199),
            ("2000-03-01T00:00:00+02:00", 951_861_600), ("1999-12-31T23:59:59.999-00:30", 946_686_599),
            ("0000-01-01T00:00:00Z", -62_167_219_200), ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] as [(String, Int64)]) func timesAreRead(_ text: String, _ seconds: Int64)
    {
        #expect(RFC3339.seconds(text) == seconds)
    }

    @Test(arguments: [
        "", "2027", "2027-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2027-01-31T24:00:00Z", "2027-01-31 00:00:00Z",
        "2027-01-31T00:00:00", "2027-01-31T00:00:00.Z", "2027-01-31T00:00:00Zx", "2027-01-31T00:00:00+1:00",
    ]) func otherTextsAreNoTimes(_ text: String) { #expect(RFC3339.seconds(text) == nil) }
}

extension String {
    func repeated(_ count: Int) -> String { String(repeating: self, count: count) }
}

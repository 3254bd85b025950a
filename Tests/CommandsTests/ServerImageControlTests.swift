// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ClusterImages
import Console
import Findings
import Foundation
import ImageScanning
import Inventory
import Logging
import Secrets
import Store
import Testing

@testable import Commands

/// What the console is told of images, from what is remembered.
struct ServerImageControlTests {
    private let folder = NSTemporaryDirectory() + "bulwark-control-\(UUID().uuidString)"
    private let digest = "sha256:" + String(repeating: "a", count: 64)
    private let reference = "registry.example.com/shop/cart:1"
    private let cart = Subject(
        cluster: "main", apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "cart")

    private var scan: ImageReport {
        var inventory = ImageInventory()
        var layer = ImageInventory.LayerSummary()
        (layer.diffID, layer.createdBy, layer.bytes, layer.packages) = ("sha256:d", "COPY . /", 10, 1)
        inventory.layers = [layer]
        var package = FoundPackage(.maven, name: "org.a:b", version: "1.0", path: "app.war")
        (package.innerPath, package.layer) = ("WEB-INF/b.jar", 0)
        inventory.packages = [package]
        inventory.secrets = [
            FileFinding(
                match: SecretMatch(
                    rule: "aws", title: "AWS key", severity: .critical, path: "root/key", line: 3, column: 1,
                    excerpt: "key = (40 bytes, 9f3a61c2)", identity: "aws 40"), layer: 0, fate: .deleted)
        ]
        var report = ImageReport(name: reference, inventory: inventory)
        (report.reference, report.platform) = (reference, "linux/amd64")
        return report
    }

    private func control(
        _ live: ServerImageControl.Live = .init()
    ) async throws -> (ServerImageControl, ImageRecords) {
        let records = try ImageRecords(try Store.open(path: folder + "/bulwark.sqlite"))
        let use = ImageUse(workload: cart, container: "app", reference: reference, digest: digest, pods: 3)
        try await records.setUses([use], of: cart)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return (ServerImageControl(records: records, live: { live }, wake: {}, logger: logger), records)
    }

    @Test func anImageAsTheConsoleShowsIt() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (control, records) = try await control()
        #expect(try await control.images(ImageQuery(), limit: 10, offset: 0).images.map(\.state) == [.waiting])
        #expect(try await control.bill(digest, .cyclonedx) == nil)
        var report = scan
        var item = ImageVulnerability(
            id: "CVE-1", advisory: "GHSA-1", package: report.inventory.packages[0], ecosystem: "Maven")
        (item.severity, item.status, item.fixedVersions, item.title) = (.high, .fixed, ["1.1"], "b reads too much")
        report.vulnerabilities = [item]
        try await records.record(report, scan: scan, of: digest, size: 77, generation: 1)

        let detail = try #require(try await control.image(digest))
        #expect(detail.summary.state == .complete && detail.summary.counts.vulnerabilities == [.high: 1])
        #expect(detail.summary.counts.fixable == [.high: 1] && detail.summary.counts.secrets == 1)
        #expect(detail.summary.size == 77 && detail.summary.containers == 3 && detail.platform == "linux/amd64")
        #expect(detail.packages.map(\.path) == ["app.war!/WEB-INF/b.jar"] && detail.packages[0].layer == 0)
        #expect(detail.layers.map(\.digest) == ["sha256:d"] && detail.layers[0].createdBy == "COPY . /")
        #expect(detail.vulnerabilities.map(\.fixedVersion) == ["1.1"] && detail.vulnerabilities[0].status == "fixed")
        #expect(detail.secrets.map(\.message) == ["key = (40 bytes, 9f3a61c2), in layer 0, deleted later"])
        #expect(detail.secrets[0].path == "root/key:3" && !detail.secrets[0].remedy.isEmpty)
        #expect(detail.users == [ImageUser(subject: cart, container: "app", reference: reference, pods: 3)])

        let listed = try await control.vulnerabilities(VulnerabilityQuery(), limit: 10, offset: 0)
        #expect(listed.total == 1 && listed.vulnerabilities.map(\.packages) == [["org.a:b"]])
        let one = try #require(try await control.vulnerability("CVE-1"))
        #expect(one.places.map(\.reference) == [reference] && one.places[0].users.count == 1)
        #expect(try await control.vulnerability("CVE-2") == nil)
        #expect(try await control.trend(days: 7).map(\.vulnerabilities) == [[.high: 1]])

        for (format, mark) in [(BillFormat.cyclonedx, "bomFormat"), (.spdx, "spdxVersion")] {
            let bytes = try #require(try await control.bill(digest, format))
            let document = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
            #expect(document?[mark] != nil)
            #expect(String(decoding: bytes, as: UTF8.self).contains("pkg:maven/org.a/b@1.0"))
        }
        #expect(try await control.image("sha256:0") == nil)
    }

    @Test func theQueueShowsWhereItIs() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var live = ServerImageControl.Live()
        live.running = [.init(reference: reference, digest: digest, layersDone: 1, layers: 4, started: 9)]
        (live.waiting, live.advisoriesUpdated, live.problem) = (2, 5, "no advisories")
        let (control, records) = try await control(live)
        var state = await control.state()
        #expect(state.running == live.running && state.waiting == 2 && state.advisoriesUpdated == 5)
        #expect(state.images == 1 && state.scanned == 0 && state.failures.isEmpty && state.problem == "no advisories")
        #expect(try await control.images(ImageQuery(), limit: 10, offset: 0).images.map(\.state) == [.scanning])
        // It waits for its first scan already.
        #expect(try await !control.rescan(digest, by: "alice"))
        try await records.recordFailure(of: digest, reference: reference, message: "denied", next: nil)
        state = await control.state()
        #expect(
            state.failures == [
                .init(reference: reference, digest: digest, message: "denied", attempts: 1, next: nil)
            ])
        #expect(try await control.rescan(digest, by: "alice"))
        #expect(await control.state().failures.isEmpty)
        #expect(try await !control.rescan("sha256:0", by: "alice"))
    }
}

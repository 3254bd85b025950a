// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Foundation
@testable import OCI
import Synchronization
import TestSupport
import Testing

@testable import ImageScanning

struct ScanDeadlineTests {
    /// A layer of wheels with files of chance between them, so that it has many pieces.
    private static func layer(_ folder: ScratchFolder, count: Int) throws -> Image.Layer {
        for index in 0..<count {
            try folder.write(
                "Metadata-Version: 2.1\nName: p\(index)\nVersion: 1\n",
                to: String(format: "tree/p%03d/a.dist-info/METADATA", index))
            let noise = (0..<4_000).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
            try folder.write(noise, to: String(format: "tree/p%03d/noise", index))
        }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/tar")
        process.arguments = ["--sort=name", "-C", folder.path + "/tree", "-cf", folder.path + "/layer.tar", "."]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        let path = folder.path + "/layer.tar"
        return Image.Layer { () async throws(OCIError) in
            do throws(ArchiveError) { return try FileRange(path: path) } catch {
                throw OCIError(.unreadable, "\(error)")
            }
        }
    }

    @Test func whatWasReadCounts() async throws {
        let folder = try ScratchFolder()
        let layer = try Self.layer(folder, count: 60)
        let left = Mutex(10)
        var scanner = LayerScanner()
        scanner.deadline = ScanDeadline(isPast: {
            left.withLock {
                $0 -= 1
                return $0 < 0
            }
        })
        let record = scanner.scan(layer, try await layer.fetch())
        #expect((1..<60).contains(record.packages.count), "\(record.packages.count)")
        #expect(record.problems.list.map(\.message).contains { $0.contains("the time limit is over") })
        // Such a record is not for the cache: its problem is the layer's as a whole.
        #expect(record.problems.list.contains { $0.path.isEmpty })
        let whole = LayerScanner().scan(layer, try await layer.fetch())
        #expect(whole.packages.count == 60 && whole.problems.isEmpty)
    }

    @Test func foldersEndToo() throws {
        let folder = try ScratchFolder()
        for index in 0..<50 {
            try folder.write("Metadata-Version: 2.1\nName: p\nVersion: 1\n", to: "p\(index)/a.dist-info/METADATA")
        }
        let left = Mutex(60)
        var scanner = FolderScanner()
        scanner.deadline = ScanDeadline(isPast: {
            left.withLock {
                $0 -= 1
                return $0 < 0
            }
        })
        let record = try scanner.scan(folder.path)
        #expect((1..<50).contains(record.packages.count))
        #expect(record.problems.list.last?.message == "the time limit is over")
    }

    @Test func layersThatDoNotComeEnd() async throws {
        let folder = try ScratchFolder()
        let good = try Self.layer(folder, count: 3)
        let stuck = Image.Layer { () async throws(OCIError) in
            try? await Task.sleep(for: .seconds(600))
            throw OCIError(.cancelled, "woken")
        }
        let image = Image(
            name: "x", reference: "", manifestDigest: "", configDigest: "", configuration: ImageConfiguration(),
            layers: [good, stuck])
        var scanner = ImageScanner()
        scanner.deadline = ScanDeadline(network: .seconds(5)) { false }
        let start = ContinuousClock.now
        let inventory = await scanner.inventory(of: image)
        #expect(ContinuousClock.now - start < .seconds(300))
        #expect(inventory.packages.count == 3)
        #expect(inventory.problems.list.count == 1 && inventory.problems.list[0].layer == 1)
        #expect(inventory.problems.list[0].message.contains("the time limit is over"))
    }
}

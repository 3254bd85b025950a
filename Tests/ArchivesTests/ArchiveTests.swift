// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Foundation
import Testing

@Suite struct ArchiveTests {
    /// A folder of files packed by the system's own tools.
    private static func packed(_ script: String) throws -> String {
        let folder = NSTemporaryDirectory() + "archives-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-euc", script]
        process.currentDirectoryURL = URL(filePath: folder)
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return folder
    }

    private static let tree = """
        mkdir -p t/etc && echo hello > t/etc/a && ln -s a t/etc/b && ln t/etc/a t/etc/c && head -c 3000000 /dev/zero > t/big
        chmod 4755 t/etc/a && touch "t/$(printf '\\303\\244')" && touch "t/$(printf 'x\\377y')"
        tar --format=pax -cf t.tar t && gzip -k t.tar && xz -k t.tar
        """

    @Test(arguments: ["t.tar", "t.tar.gz", "t.tar.xz"]) func readsTar(_ name: String) throws {
        let folder = try Self.packed(Self.tree)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = try FileRange(path: folder + "/" + name)
        for archive in [try Archive(tar: SequentialReader(file)), try Archive(file, .tar)] {
            var seen: [String: ArchiveEntry] = [:]
            var contents: [UInt8] = []
            while let entry = try archive.next() {
                seen[entry.path] = entry
                if entry.size == 6 { contents = try archive.contents(limit: 6) }
            }
            #expect(String(decoding: contents, as: UTF8.self) == "hello\n")
            #expect(seen["t/etc"]?.kind == .folder || seen["t/etc/"]?.kind == .folder)
            #expect(seen["t/etc/b"]?.kind == .symbolicLink && seen["t/etc/b"]?.target == "a")
            #expect([seen["t/etc/a"], seen["t/etc/c"]].contains { $0?.kind == .hardLink })
            #expect([seen["t/etc/a"], seen["t/etc/c"]].contains { $0?.mode == 0o4755 && $0?.kind == .file })
            #expect(seen["t/big"]?.size == 3_000_000)
            #expect(seen["t/ä"]?.isPathExact == true)
            #expect(seen["t/x\u{FFFD}y"]?.isPathExact == false)
        }
    }

    @Test func unpacksBytes() throws {
        let folder = try Self.packed(Self.tree)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func all(_ source: any ByteSource) throws -> [UInt8] {
            var bytes: [UInt8] = []
            while true {
                let piece = try source.next()
                if piece.isEmpty { return bytes }
                bytes += piece
            }
        }
        let plain = try all(SequentialReader(try FileRange(path: folder + "/t.tar")))
        for name in ["t.tar", "t.tar.gz", "t.tar.xz"] {
            let unpacked = try all(Decompressor(SequentialReader(try FileRange(path: folder + "/" + name))))
            #expect(unpacked == plain, "\(name)")
        }
    }

    @Test func boundsWhatItReads() throws {
        let folder = try Self.packed(Self.tree)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = try FileRange(path: folder + "/t.tar.gz")
        func drain(_ archive: Archive, limit: Int) throws {
            while let entry = try archive.next() {
                if entry.size > 0 { _ = try archive.contents(limit: limit) }
            }
        }
        for limits in [ArchiveLimits(entries: 3), ArchiveLimits(bytes: 1 << 20)] {
            #expect { try drain(Archive(tar: SequentialReader(file), limits: limits), limit: 1 << 30) } throws: {
                ($0 as? ArchiveError)?.code == .tooLarge
            }
        }
        #expect { try drain(Archive(tar: SequentialReader(file)), limit: 1 << 20) } throws: {
            ($0 as? ArchiveError)?.code == .tooLarge
        }
        // Cut off in the middle, or no archive at all.
        let cut = FileRange(file, offset: 0, size: file.size / 2)
        #expect(throws: ArchiveError.self) { try drain(Archive(tar: SequentialReader(cut)), limit: 1 << 30) }
        #expect(throws: ArchiveError.self) {
            try drain(Archive(MemoryRange(Array("no archive, just a text".utf8)), .zip), limit: 9)
        }
    }
}

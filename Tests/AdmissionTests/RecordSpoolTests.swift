// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Testing

@testable import Admission

struct RecordSpoolTests {
    private func decisions(_ numbers: Range<Int>) -> [AdmissionRecord] {
        numbers.map { .decision(RecordHandOverTests.decision($0)) }
    }

    private func files(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".records") }.sorted()
            .map { "\(folder)/\($0)" }
    }

    /// The spool is left as a killed process leaves it, and a line is cut off.
    @Test func whatWasWrittenOutlivesTheProcessAndATornLine() async throws {
        let folder = RecordHandOverTests.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var name = ""
        do {
            let spool = try RecordSpool(folder: folder)
            name = spool.sender
            try await spool.append(decisions(0..<10))
            #expect(throws: AdmissionError.self) { try RecordSpool(folder: folder) }
        }
        let file = try #require(try files(folder).first)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let handle = try #require(FileHandle(forWritingAtPath: file))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"decision":{"uid":"to"#.utf8))
        try handle.close()

        let spool = try RecordSpool(folder: folder)
        #expect(spool.sender == name)
        try await spool.append(decisions(10..<12))
        var seen = 0
        while let lines = try await spool.lines() {
            #expect(lines.first == Int64(seen + 1))
            for line in lines.bytes.split(separator: UInt8(ascii: "\n")) {
                let record = Array(line).withUnsafeBytes { RecordReading.record($0) }
                #expect(record == .decision(RecordHandOverTests.decision(seen)))
                seen += 1
            }
            await spool.acknowledge(lines)
        }
        #expect(seen == 12)
        #expect(await spool.counts == RecordSpool.Counts())
    }

    @Test func aFullSpoolDropsItsOldestAndCountsThem() async throws {
        let folder = RecordHandOverTests.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (limit, total) = (64 << 10, 2_000)
        let spool = try RecordSpool(folder: folder, limit: limit)
        for start in stride(from: 0, to: total, by: 10) { try await spool.append(decisions(start..<start + 10)) }
        let counts = await spool.counts
        #expect(counts.dropped > 0)
        #expect(counts.waiting + counts.dropped == total)
        #expect(counts.bytes <= limit)
        let lines = try #require(try await spool.lines())
        #expect(lines.first == Int64(counts.dropped + 1))
    }
}

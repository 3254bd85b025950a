// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Findings
import Foundation
import TestSupport
import Testing

struct RecordSpoolTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private var path: String { folder.path + "/spool" }

    static func records(_ numbers: Range<Int>, padding: Int = 0) -> [AdmissionRecord] {
        numbers.map { number in
            .decision(
                AdmissionDecision(
                    uid: "u\(number)", time: 1_790_000_000_000, reviewer: "pod-policies", action: .deny, allowed: false,
                    operation: "CREATE",
                    subject: Subject(apiVersion: "v1", kind: "Pod", namespace: "shop", name: "p\(number)"),
                    user: String(repeating: "x", count: padding)))
        }
    }

    private func uids(_ lines: RecordSpool.Lines?) -> [String] {
        guard let lines else { return [] }
        return lines.bytes.split(separator: UInt8(ascii: "\n")).map { line in
            let record = Array(line).withUnsafeBytes { RecordReading.record($0) }
            guard case .decision(let decision) = record else { return "?" }
            return decision.uid
        }
    }

    @Test func whatWasAppendedComesOutInOrderAndOnce() async throws {
        let spool = try RecordSpool(folder: path)
        #expect(try await spool.lines() == nil)
        try await spool.append(Self.records(0..<3))
        try await spool.append(Self.records(3..<5))
        let first = try #require(try await spool.lines())
        #expect(uids(first) == ["u0", "u1", "u2", "u3", "u4"] && first.first == 1)
        // Not acknowledged, so again.
        #expect(try await spool.lines() == first)
        try await spool.append(Self.records(5..<6))
        await spool.acknowledge(first)
        let second = try #require(try await spool.lines())
        #expect(uids(second) == ["u5"] && second.first == 6)
        await spool.acknowledge(second)
        // Twice does no harm.
        await spool.acknowledge(second)
        #expect(try await spool.lines() == nil)
        #expect(await spool.counts == RecordSpool.Counts())
        try await spool.append(Self.records(6..<7))
        #expect(try await spool.lines()?.first == 7)
    }

    @Test func oneProcessAtATimeHasIt() async throws {
        let spool = try RecordSpool(folder: path)
        #expect(throws: AdmissionError.self) { try RecordSpool(folder: path) }
        _ = await spool.counts
    }

    /// Cuts the last file at every byte of its last line, as an end of the process may.
    @Test func aTornTailCostsItsLineAlone() async throws {
        var sender = ""
        do {
            let spool = try RecordSpool(folder: path)
            sender = spool.sender
            try await spool.append(Self.records(0..<4))
        }
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: path).first { $0.hasSuffix(".records") })
        let whole = try Data(contentsOf: URL(filePath: "\(path)/\(name)"))
        let start = try #require(whole.dropLast().lastIndex(of: UInt8(ascii: "\n"))) + 1
        for end in stride(from: start, to: whole.count, by: 7) {
            try whole.prefix(end).write(to: URL(filePath: "\(path)/\(name)"))
            let spool = try RecordSpool(folder: path)
            #expect(spool.sender == sender)
            try await spool.append(Self.records(9..<10))
            let first = try #require(try await spool.lines())
            #expect(uids(first) == ["u0", "u1", "u2"] && first.first == 1)
            await spool.acknowledge(first)
            let second = try #require(try await spool.lines())
            #expect(uids(second) == ["u9"] && second.first == 4)
            for file in try FileManager.default.contentsOfDirectory(atPath: path) where file.hasSuffix(".records") {
                try FileManager.default.removeItem(atPath: "\(path)/\(file)")
            }
        }
    }

    /// Empty after a restart nobody knows where numbers ended: then it is another sender.
    @Test func anEmptySpoolBecomesAnotherSender() async throws {
        var first: RecordSpool? = try RecordSpool(folder: path)
        let sender = first?.sender
        try await first?.append(Self.records(0..<1))
        if let lines = try await first?.lines() { await first?.acknowledge(lines) }
        first = nil
        let second = try RecordSpool(folder: path)
        #expect(second.sender != sender)
    }

    @Test func fullItDropsTheOldestAndCounts() async throws {
        let spool = try RecordSpool(folder: path, limit: 256 << 10)
        for number in 0..<2_000 { try await spool.append(Self.records(number..<number + 1, padding: 400)) }
        let counts = await spool.counts
        #expect(counts.bytes <= 256 << 10 && counts.dropped > 0)
        #expect(counts.waiting + counts.dropped == 2_000)
        var (seen, last) = (0, Int64(counts.dropped))
        while let lines = try await spool.lines() {
            #expect(lines.first == last + 1)
            last = lines.first + Int64(lines.count) - 1
            seen += lines.count
            await spool.acknowledge(lines)
        }
        #expect(seen == counts.waiting && last == 2_000)
    }
}

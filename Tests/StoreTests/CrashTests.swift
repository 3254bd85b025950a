// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import GRDB
import Glibc
import Store
import Testing

/// A second process (this test program again, asked by the environment to be the victim) records in a loop and writes
/// down what was acknowledged; it is killed with SIGKILL at random
/// moments.
@Suite(.serialized) struct CrashTests {
    private static let variable = "BULWARK_STORE_VICTIM"
    private static let perObject = 5

    /// Object `number` of round `round`: each round changes one problem of each object.
    private static func object(_ number: Int, round: Int) -> InspectedObject {
        let subject = Sample.subject("app-\(number)", namespace: "ns-\(number % 7)")
        let results = (1...perObject).map { check in
            Sample.result(check, subject, container: check == 1 ? "round-\(round)" : "")
        }
        return InspectedObject(subject: subject, results: results)
    }

    /// The victim. Lines on standard output, each written after the call it speaks of returned:
    /// `live N R`, `begin ID`, `report N R`, `finish ID`.
    @Test(.enabled(if: ProcessInfo.processInfo.environment[variable] != nil))
    func victim() async throws {
        let path = try #require(ProcessInfo.processInfo.environment[Self.variable])
        func say(_ line: String) {
            let bytes = Array("\(line)\n".utf8)
            _ = bytes.withUnsafeBytes { write(3, $0.baseAddress, $0.count) }
        }
        let store = try Store.open(path: path)
        var round = Int(try await store.setting("round") ?? "0") ?? 0
        say("open")
        while true {
            round += 1
            try await store.setSetting("round", "\(round)")
            for number in 0..<10 {
                try await store.ledger.record([Self.object(number, round: round)], report: nil)
                say("live \(number) \(round)")
            }
            let id = try await store.ledger.beginReport(cluster: "main", trigger: .schedule)
            say("begin \(id)")
            for start in stride(from: 10, to: 100, by: 15) {
                let numbers = start..<min(start + 15, 100)
                try await store.ledger.record(numbers.map { Self.object($0, round: round) }, report: id)
                for number in numbers { say("report \(number) \(round)") }
            }
            for number in 0..<10 { try await store.ledger.record([Self.object(number, round: round)], report: id) }
            try await store.ledger.finishReport(id, summary: Summary())
            say("finish \(id)")
        }
    }

    /// What the victims said, from all of them together.
    private struct Told {
        var rounds: [Int: Int] = [:]
        var begun: Set<Int64> = []
        var finished: Set<Int64> = []
        var opened = false

        mutating func take(_ text: String) {
            // A line that was cut off was not acknowledged.
            for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
                let words = line.split(separator: " ")
                let numbers = words.dropFirst().compactMap { Int($0) }
                switch words.first {
                case "open": opened = true
                case "live", "report": rounds[numbers[0]] = max(numbers[1], rounds[numbers[0]] ?? 0)
                case "begin": begun.insert(Int64(numbers[0]))
                case "finish": finished.insert(Int64(numbers[0]))
                default: break
                }
            }
        }
    }

    /// Starts the victim, kills it `microseconds` after it has said `lines` lines, and gives all that it said.
    private static func run(_ path: String, lines: Int, microseconds: UInt32) throws -> String {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw StoreError(.failed, "no pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 3)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let arguments = [
            program, "--testing-library", "swift-testing", "--filter", "StoreTests.CrashTests/victim",
        ]
        var environment = ProcessInfo.processInfo.environment
        environment[variable] = path
        var child: pid_t = 0
        let failure = withStrings(arguments) { arguments in
            withStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                posix_spawn(&child, program, &actions, nil, arguments, environment)
            }
        }
        close(ends[1])
        defer { close(ends[0]) }
        guard failure == 0 else { throw StoreError(.failed, "cannot start \(program): \(failure)") }
        var said: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        // A child that cannot run says nothing and ends by itself.
        var killed = false
        while true {
            let count = buffer.withUnsafeMutableBytes { read(ends[0], $0.baseAddress, $0.count) }
            if count <= 0 { break }
            said += buffer.prefix(count)
            if !killed, said.count(where: { $0 == UInt8(ascii: "\n") }) >= lines {
                usleep(microseconds)
                kill(child, SIGKILL)
                killed = true
            }
        }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        return String(decoding: said, as: UTF8.self)
    }

    private static func withStrings<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeBufferPointer { list in
            var none: UnsafeMutablePointer<CChar>?
            return withUnsafePointer(to: &none) { body(list.baseAddress ?? $0) }
        }
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment[variable] == nil))
    func killedAtAnyMoment() async throws {
        let fixture = Fixture()
        var random = Seeded(20_260_101)
        var told = Told()
        for kill in 1...20 {
            // A round is 102 lines.
            let lines = 1 + Int(random.next() % 220)
            let pause = UInt32(random.next() % 4_000)
            told.take(try Self.run(fixture.path, lines: lines, microseconds: pause))
            try #require(told.opened, "the victim never opened the store")

            // Opening needs no repair by hand, and finds the lock free.
            let store = try Store.open(path: fixture.path)
            let place: Comment = "kill \(kill) after \(lines) lines and \(pause) us"
            let reports = try await store.ledger.reports(limit: 1_000)
            #expect(!reports.contains { $0.state == .running }, place)
            for report in reports {
                if told.finished.contains(report.id) { #expect(report.state == .complete, place) }
                if report.state == .failed { #expect(report.message == "interrupted", place) }
            }
            #expect(told.begun.isSubset(of: Set(reports.map(\.id))), place)

            for (number, round) in told.rounds {
                let subject = Self.object(number, round: round).subject
                let open = try await store.ledger.workload(subject).filter { $0.status != .resolved }
                // All of one round, never a mixture; a later round than was told may have been stored.
                #expect(open.count == Self.perObject, "\(place): \(subject.display)")
                let stored = open.first { !$0.container.isEmpty }?.container.dropFirst(6) ?? ""
                #expect(Int(stored) ?? 0 >= round, "\(place): \(subject.display) has \(stored), told \(round)")
            }
            // A complete report is whole: it shows every object.
            if let last = reports.first(where: { $0.state == .complete }) {
                let shown = try await store.ledger.problems(in: last.id, limit: 1_000)
                #expect(shown.count == 100 * Self.perObject, place)
            }
            let counts = try await store.ledger.counts()
            let rows = try await store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM finding") }
            #expect(counts.total == rows, place)
            let sound = try await store.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
            #expect(sound == "ok", place)
            try store.close()
        }
        #expect(told.rounds.count == 100 && told.finished.count >= 3, "the victims hardly ran: \(told)")
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ClusterImages
import Findings
import Foundation
import GRDB
import Glibc
import ImageScanning
import Store
import Testing

/// What is kept must follow from what was told, after any sequence of changes and at any end of the process.
@Suite(.serialized) struct RecordsModelTests {
    private static let variable = "BULWARK_IMAGES_VICTIM"

    /// One step of a life, the same for the same number.
    private static func step(_ random: inout Drawn, _ records: ImageRecords, _ fixture: RecordsFixture?) async throws {
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        func uses(_ workload: Subject) -> [ImageUse] {
            (0..<pick(4)).map { Made.use(workload, pick(9), container: "c\($0 % 2)", pods: 1 + pick(3)) }
        }
        func workload() -> Subject { Made.workload("app-\(pick(6))", namespace: "ns-\(pick(2))") }
        func found() -> [ImageVulnerability] {
            (0..<pick(6)).map { _ in
                Made.vulnerability(
                    "CVE-\(pick(12))", "package-\(pick(3))", Severity(rawValue: pick(6)) ?? .low,
                    fixed: pick(2) == 0 ? "" : "2", status: pick(8) == 0 ? .error : nil,
                    exception: pick(6) == 0 ? "agreed" : "")
            }
        }
        let image = 1 + pick(8)
        switch pick(9) {
        case 0, 1, 2:
            let one = workload()
            try await records.setUses(uses(one), of: one)
        case 3: try await records.removeUses(of: [workload(), workload()])
        case 4:
            let all = (0..<pick(5)).flatMap { _ in uses(workload()) }
            try await records.replaceUses(cluster: "main", all)
        case 5, 6: try await records.scanned(image, found(), generation: Int64(pick(3)))
        case 7:
            guard let content = try await records.content(of: Made.digest(image)) else { return }
            try await records.record(
                Made.judged(content, found()), scan: nil, of: Made.digest(image), generation: Int64(pick(3)))
        default:
            if pick(3) == 0 {
                fixture?.advance(Int64(pick(40)) * 86_400)
                try await records.prune()
            } else {
                try await records.recordFailure(
                    of: Made.digest(image), reference: Made.reference(image), message: "no", next: nil)
            }
        }
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment[variable] == nil), arguments: [1, 2, 3] as [UInt64])
    func keptNumbersFollowFromRows(seed: UInt64) async throws {
        let fixture = RecordsFixture()
        let (store, records) = try fixture.open()
        var random = Drawn(seed)
        for step in 0..<300 {
            try await Self.step(&random, records, fixture)
            guard step % 10 == 9 else { continue }
            let contradictions = try await store.contradictions()
            try #require(contradictions == [], "seed \(seed), step \(step)")
        }
        #expect(try await store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM image_occurrence") } ?? 0 > 0)
        let sound = try await store.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
        #expect(sound == "ok")
    }

    /// The victim: this test program again, asked by the environment, which works until it is killed.
    @Test(.enabled(if: ProcessInfo.processInfo.environment[variable] != nil))
    func victim() async throws {
        let path = try #require(ProcessInfo.processInfo.environment[Self.variable])
        let store = try Store.open(path: path)
        let records = try ImageRecords(store)
        var random = Drawn(UInt64(getpid()))
        while true {
            try await Self.step(&random, records, nil)
            let line: [UInt8] = [UInt8(ascii: "."), UInt8(ascii: "\n")]
            _ = line.withUnsafeBytes { write(3, $0.baseAddress, $0.count) }
        }
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment[variable] == nil))
    func killedAtAnyMoment() async throws {
        let fixture = RecordsFixture()
        var random = Drawn(20_261_128)
        for kill in 1...6 {
            let (steps, pause) = (20 + Int(random.next() % 80), UInt32(random.next() % 8_000))
            let done = try Self.run(fixture.path, steps: steps, microseconds: pause)
            try #require(done >= steps, "the victim did not work")
            let (store, records) = try fixture.open()
            #expect(try await store.contradictions() == [], "kill \(kill) after \(steps) steps and \(pause) us")
            #expect(try await store.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
            // What waits is due again, and what was found can be read.
            _ = try await records.due(generation: 9)
            var filter = ImageFilter()
            filter.includesPast = true
            for image in try await records.images(filter).images where image.scanned != nil {
                #expect(try await records.content(of: image.digest) != nil)
            }
            try store.close()
        }
    }

    /// Starts the victim, kills it some time after it has done `steps` steps, and gives how many it did.
    private static func run(_ path: String, steps: Int, microseconds: UInt32) throws -> Int {
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
            program, "--testing-library", "swift-testing", "--filter", "ClusterImagesTests.RecordsModelTests/victim",
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
        var done = 0
        var killed = false
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(ends[0], $0.baseAddress, $0.count) }
            // A child that cannot run says nothing and ends by itself.
            if count <= 0 { break }
            done += buffer.prefix(count).count { $0 == UInt8(ascii: "\n") }
            if !killed, done >= steps {
                usleep(microseconds)
                kill(child, SIGKILL)
                killed = true
            }
        }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        return done
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
}

/// Numbers that are the same for the same seed (SplitMix64).
private struct Drawn {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

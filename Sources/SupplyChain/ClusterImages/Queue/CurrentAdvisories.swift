// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import ImageScanning
import Synchronization

/// The advisories of a folder as they are now, opened anew when somebody brought others.
package final class CurrentAdvisories: Sendable {
    /// Advisories of one moment.
    package struct Held: Sendable {
        /// Differs whenever a judgement may: the advisories' contents and the version of the program. 0 for none.
        package var generation: Int64 = 0
        package var database: AdvisoryDatabase?
        package var state: ImageReport.AdvisoryState?
        /// Why nothing is judged, with what to do; empty when there are advisories.
        package var problem = ""
    }

    private struct State {
        var held = Held()
        var isOpen = false
        /// Seen once, and taken when it is seen a second time: an update brings one ecosystem after the other.
        var next: Int64 = 0
    }

    private let path: String
    private let salt: String
    private let state = Mutex(State())

    /// - Parameter salt: what else a judgement depends on, such as the program's version and its exceptions.
    package init(path: String, salt: String) {
        (self.path, self.salt) = (path, salt)
        refresh()
    }

    package var held: Held { state.withLock { $0.held } }

    /// Looks whether the advisories are others now, and takes them when they have not changed between two looks.
    /// Reads a few hundred bytes of each file. Whether there are others.
    @discardableResult
    package func refresh() -> Bool {
        let status = AdvisoryStatus(path: path)
        let generation = generation(status)
        return state.withLock { state in
            let records = status.ecosystems.reduce(0) { $0 + $1.records }
            guard !state.isOpen || generation != state.held.generation else {
                // They may have been found to be up to date since.
                if state.held.database != nil {
                    state.held.state = ImageReport.AdvisoryState(updated: status.oldest, records: records)
                }
                state.next = generation
                return false
            }
            guard !state.isOpen || state.held.database == nil || state.next == generation else {
                state.next = generation
                return false
            }
            var held = Held(generation: generation)
            do throws(AdvisoryError) {
                held.database = try AdvisoryDatabase(path: path)
                held.state = ImageReport.AdvisoryState(updated: status.oldest, records: records)
            } catch {
                held.generation = 0
                held.problem =
                    error.code == .noDatabase
                    ? "There are no advisories, so that no vulnerabilities are found: run bulwark advisories update, "
                        + "or start the server with --advisories-update."
                    : "The advisories cannot be read: \(error)"
            }
            let isOther = !state.isOpen || held.generation != state.held.generation
            (state.held, state.isOpen, state.next) = (held, true, generation)
            return isOther
        }
    }

    private func generation(_ status: AdvisoryStatus) -> Int64 {
        guard !status.ecosystems.isEmpty else { return 0 }
        var hash = FNV()
        hash.add(salt)
        for ecosystem in status.ecosystems {
            hash.add(ecosystem.name)
            for number in [
                Int64(ecosystem.records), ecosystem.imported, ecosystem.newest, ecosystem.bytes,
                ecosystem.problem.isEmpty ? 0 : 1,
            ] { hash.add(number) }
        }
        hash.add(status.scoresImported)
        // Never the number for none.
        return hash.value == 0 ? 1 : hash.value
    }
}

/// The hash of Fowler, Noll and Vo with 64 bits (FNV-1a): to tell contents apart that nobody forges.
private struct FNV {
    private var bits: UInt64 = 0xCBF2_9CE4_8422_2325

    var value: Int64 { Int64(bitPattern: bits) }

    private mutating func add(byte: UInt8) { bits = (bits ^ UInt64(byte)) &* 0x100_0000_01B3 }

    mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte: byte) }
        add(byte: 0)
    }

    mutating func add(_ number: Int64) {
        for shift in stride(from: 0, to: 64, by: 8) { add(byte: UInt8(truncatingIfNeeded: number >> Int64(shift))) }
    }
}

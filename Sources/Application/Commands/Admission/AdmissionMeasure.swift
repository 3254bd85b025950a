// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser
import Foundation
import Glibc

/// `bulwark admission measure`: what reading a review costs on this machine.
struct AdmissionMeasure: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure", abstract: "Measure the CPU time that reading an AdmissionReview takes.",
        shouldDisplay: false)

    @Argument(help: "A file with an AdmissionReview as JSON.")
    var file: String

    @Option(name: .long, help: "How often it is read.")
    var count = 100_000

    func validate() throws {
        guard (1...10_000_000).contains(count) else { throw ValidationError("--count should be from 1 to 10,000,000") }
    }

    func run() throws {
        let bytes = try InputFile.text(file, limit: ReviewReader.maxBytes)
        try bytes.withUnsafeBytes { buffer in
            do throws(AdmissionError) {
                var uids = 0
                for _ in 0..<min(count, 1000) { uids += try ReviewReader.read(buffer).uid.utf8.count }
                let start = Self.cpu()
                for _ in 0..<count { uids += try ReviewReader.read(buffer).uid.utf8.count }
                let each = (Self.cpu() - start) / Double(count) * 1_000_000
                Terminal.say(
                    "\(bytes.count) bytes, \(count) times: \(String(format: "%.2f", each)) us of CPU time each"
                        + (uids == 0 ? ", without a uid" : ""))
            } catch {
                throw UserError("\(file): \(error)")
            }
        }
    }

    /// CPU seconds of this process so far.
    static func cpu() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

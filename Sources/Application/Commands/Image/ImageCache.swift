// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import ImageScanning

/// `bulwark image cache`
struct ImageCache: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "What is remembered of layers that were read before.",
        discussion: """
            The cache keeps to 1 GiB and 30 days since the last use by itself. Losing it costs time only.
            """,
        subcommands: [CacheStatus.self, CachePrune.self])

    struct CacheStatus: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Show how many layers are remembered, and how much room they take.")

        func run() throws {
            guard let cache = LayerCache.standard else { throw UserError("there is no home folder to keep a cache in") }
            let status = cache.status
            var text = "\(status.records) layers, \(ImageCache.size(status.bytes))"
            if status.oldest > 0 {
                text +=
                    ", last used \(AdvisoriesStatus.age(Int64(Date().timeIntervalSince1970) - status.oldest)) or later"
            }
            Terminal.say(text)
        }
    }

    struct CachePrune: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "prune", abstract: "Forget layers, those first that were not used for longest.")

        @Option(name: .long, help: "MiB that may stay.")
        var maxSize = 1024

        @Option(name: .long, help: "Days since the last use.")
        var maxAge = 30

        @Flag(name: .long, help: "Forget all.")
        var all = false

        func validate() throws {
            guard (0...1 << 30).contains(maxSize) else { throw ValidationError("--max-size should be from 0 to 2^30") }
            guard (0...100_000).contains(maxAge) else { throw ValidationError("--max-age should be from 0 to 100,000") }
        }

        func run() throws {
            guard let cache = LayerCache.standard else { throw UserError("there is no home folder to keep a cache in") }
            let bounds = LayerCache.Bounds(
                bytes: all ? 0 : Int64(maxSize) << 20, age: all ? -1 : Int64(maxAge) * 86_400)
            let removed = cache.prune(bounds)
            Terminal.say("\(removed.records) layers forgotten, \(ImageCache.size(removed.bytes))")
        }
    }

    static func size(_ bytes: Int64) -> String {
        bytes < 10 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import ArgumentParser
import Findings
import Foundation
import ImageScanning
import Reporting

/// `bulwark image scan`: what an image holds and what is known to be wrong with it.
struct ImageScan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan",
        abstract: "Scan an image: of a registry, an archive, a layout, local storage, or a folder.",
        discussion: """
            Exit status: 0 done, 1 a vulnerability reached --fail-on, 2 the image could not be read, 3 a part of it could not be judged.
            """)

    @Argument(help: "A reference like debian:12, a file made by docker save, an OCI layout, or a folder.")
    var image: String

    @OptionGroup var scan: ScanOptions

    @OptionGroup var options: ImageOptions

    mutating func run() async throws {
        let setup = try scan.setup()
        var report = try await options.read(image, content: setup.content, contentName: setup.contentName)
        try scan.finish(&report, setup)
    }
}

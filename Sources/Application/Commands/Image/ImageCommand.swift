// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `bulwark image`
struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Container images: what they hold, and what is wrong with it.",
        subcommands: [
            ImageScan.self, ImageJudgeCommand.self, ImageSBOM.self, ImageDiff.self, ImageCache.self,
            ImageInventoryCommand.self,
        ])
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Foundation
import Rego

/// `bulwark rego fmt`: modules in the house style of Rego.
struct RegoFormat: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fmt", abstract: "Lay policies out in one style.",
        discussion: """
            Without options the formatted text is printed. What cannot be read stays as it is.

            Exit status: 0 done, 1 with --fail when a file is not formatted, 2 wrong usage or a file that could not be read \
            or parsed.
            """)

    @Argument(help: "Modules, and folders with them; - for standard input.")
    var paths: [String]

    @Flag(name: .shortAndLong, help: "Write the files instead of printing.")
    var write = false

    @Flag(name: .shortAndLong, help: "Name the files that are not formatted instead of printing.")
    var list = false

    @Flag(name: .shortAndLong, help: "Print what would change instead of the text.")
    var diff = false

    @Flag(name: .long, help: "Exit with 1 when a file is not formatted.")
    var fail = false

    @Flag(name: .long, help: "Rewrite modules of v0 as modules that are v0 and v1.")
    var regoV1 = false

    @OptionGroup var dialect: RegoDialect

    func run() throws {
        var status = ExitStatus.done
        var sources: [ModuleSource] = []
        if paths == ["-"] {
            let file = try InputFile.spoolStandardInput()
            defer { close(file) }
            let bytes = try InputFile.all(of: file, "standard input")
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw UserError("standard input: not a UTF-8 text")
            }
            sources = [ModuleSource(name: "-", text: text)]
        } else {
            sources =
                RegoFiles(paths, isWithData: false) {
                    status = .unreadable
                    Terminal.error($0)
                }.modules
        }
        for source in sources {
            let text: String
            do throws(RegoErrors) {
                text = try RegoFormatter.format(
                    source, version: regoV1 ? .v0 : dialect.version, rewriting: regoV1)
            } catch {
                status = .unreadable
                for problem in error.errors { problem.show() }
                continue
            }
            let isChanged = text != source.text
            if isChanged, fail { status = max(status, .failed) }
            try show(source, text, isChanged)
        }
        if status != .done { throw status }
    }

    private func show(_ source: ModuleSource, _ text: String, _ isChanged: Bool) throws {
        if list, isChanged { Terminal.say(source.name) }
        if diff, isChanged {
            let difference = UnifiedDiff.diff(old: source.text, new: text, path: source.name)
            Array(difference.utf8).withUnsafeBytes { Terminal.write($0) }
        }
        if write, source.name != "-" {
            guard isChanged else { return }
            try InputFile.replace(source.name, with: Array(text.utf8))
        } else if !list, !diff, !(fail && !write) {
            Array(text.utf8).withUnsafeBytes { Terminal.write($0) }
        }
    }
}

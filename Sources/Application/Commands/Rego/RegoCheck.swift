// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Rego

/// `bulwark rego check`: everything that is wrong with modules.
struct RegoCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Read and compile policies, and say everything that is wrong with them.",
        discussion: "Exit status: 0 all is well, 1 something is wrong, 2 wrong usage or a file that could not be read.")

    enum Format: String, ExpressibleByArgument, CaseIterable { case pretty, json }

    @Argument(help: "Modules, and folders with them.")
    var paths: [String]

    @Option(name: .shortAndLong, help: "pretty or json.")
    var format = Format.pretty

    @OptionGroup var dialect: RegoDialect

    func run() throws {
        var status = ExitStatus.done
        let files = RegoFiles(paths, isWithData: false) {
            status = .unreadable
            Terminal.error($0)
        }
        var errors: [RegoError] = []
        do throws(RegoErrors) {
            _ = try RegoPolicy(files.modules, version: dialect.version)
        } catch {
            errors = error.errors
        }
        switch format {
        case .pretty: for error in errors { error.show() }
        case .json: Terminal.say(RegoCheck.json(errors).prettyJSON)
        }
        if !errors.isEmpty { status = max(status, .failed) }
        if status != .done { throw status }
    }

    private static func json(_ errors: [RegoError]) -> Value {
        let found = errors.map { error -> Value in
            var members: [(Value, Value)] = [
                (.string("code"), .string(error.code.rawValue)), (.string("message"), .string(error.message)),
            ]
            if let place = error.location {
                let location = ObjectValue([
                    (.string("file"), .string(place.file)), (.string("row"), .int(place.row)),
                    (.string("col"), .int(place.column)),
                ])
                members.append((.string("location"), .object(location)))
            }
            return .object(ObjectValue(members))
        }
        return .object(ObjectValue([(.string("errors"), .array(found))]))
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Rego

/// `bulwark rego`: policies in Rego, evaluated, checked and tested.
struct RegoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rego", abstract: "Evaluate, check, format and test policies in Rego.",
        subcommands: [RegoEval.self, RegoCheck.self, RegoTest.self, RegoFormat.self, RegoBench.self])
}

/// Which dialect the modules are in.
struct RegoDialect: ParsableArguments {
    @Flag(name: [.customLong("v0-compatible"), .customLong("v0")], help: "Read the modules as Rego v0.")
    var isOld = false

    @Flag(
        name: [.customLong("v1-compatible"), .customLong("v1")],
        help: "Read the modules as Rego v1, which is the default.")
    var isNew = false

    var version: RegoVersion { isOld && !isNew ? .v0 : .v1 }
}

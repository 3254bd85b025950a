// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents

/// `bulwark gatekeeper`: constraint templates and constraints, tried on objects.
struct GatekeeperCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gatekeeper", abstract: "Judge objects by Gatekeeper's templates and constraints.",
        subcommands: [GatekeeperVerify.self, GatekeeperTest.self, GatekeeperAudit.self])
}

/// Reads the objects of manifests, each file once.
final class GatekeeperFiles {
    private var known: [String: [Node]] = [:]

    func read(_ path: String) throws -> [Node] {
        if let nodes = known[path] { return nodes }
        var nodes: [Node] = []
        for result in DocumentReader.documents(in: try InputFile.text(path, limit: 16 << 20), source: path) {
            let root = try result.get().root
            if root.isNull { continue }
            if root["kind"]?.string == "List", let items = root["items"] {
                nodes += items.elements.map { $0 }
            } else {
                nodes.append(root)
            }
        }
        known[path] = nodes
        return nodes
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import PackagePlugin

/// Puts the check catalogue, the rules, the resource definitions and the console's templates into the binary, so that it needs no files beside it.
@main
struct EmbedFiles: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let package = context.package.directoryURL
        let (name, root, suffixes): (String, URL, [String]) =
            switch target.name {
            case "PodSecurity": ("EmbeddedChecks", package.appending(path: "checks"), ["/check.yaml"])
            case "Malware": ("EmbeddedRules", package.appending(path: "rules/malware"), [".yar"])
            case "Secrets": ("EmbeddedRules", package.appending(path: "rules/secrets"), [".yaml"])
            case "PodPolicies": ("EmbeddedResources", package.appending(path: "deploy/crds"), [".yaml"])
            case "ImagePolicies": ("EmbeddedResources", package.appending(path: "deploy/images/crds"), [".yaml"])
            default: ("EmbeddedPages", target.directoryURL, [".mustache", ".css", ".js", ".svg"])
            }
        let paths = (FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? [])
            .filter { path in suffixes.contains { path.hasSuffix($0) } }
            .sorted()
        let inputs = paths.map { root.appending(path: $0) }
        // What malware rules look for would be found in this program, if it stood there as it is.
        let mode = target.name == "Malware" ? ["--base64"] : []
        let output = context.pluginWorkDirectoryURL.appending(path: "\(name).swift")
        return [
            .buildCommand(
                displayName: "Embedding \(inputs.count) files into \(target.name)",
                executable: try context.tool(named: "embed-files").url,
                arguments: mode + [output.path, name, root.path] + inputs.map(\.path),
                inputFiles: inputs, outputFiles: [output])
        ]
    }
}

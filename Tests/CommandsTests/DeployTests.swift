// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Foundation
import PodPolicies
import TestSupport
import Testing

@testable import Commands

/// The kustomization in `deploy/` against the program and its own policies.
@Suite struct DeployTests {
    private static let folder = TestCluster.root + "/deploy"

    private static func objects() throws -> [(file: String, node: Node)] {
        let kustomization = try read("kustomization.yaml")
        let resources = kustomization[0]["resources"].map { $0.elements.compactMap(\.string) } ?? []
        #expect(resources.count > 5)
        return try resources.flatMap { file in try read(file).map { (file, $0) } }
    }

    private static func read(_ file: String) throws -> [Node] {
        var found: [Node] = []
        let bytes = Array(try Data(contentsOf: URL(filePath: folder + "/" + file)))
        bytes.withUnsafeBytes { buffer in
            DocumentReader.read(buffer, source: file) { result in
                switch result {
                case .success(let document): found.append(document.root)
                case .failure(let error): Issue.record("\(error)")
                }
            }
        }
        return found
    }

    @Test func everyCommandLineIsUnderstood() throws {
        var programs = 0
        for (file, node) in try Self.objects() {
            for container in node["spec"]?["template"]?["spec"]?["containers"].map({ Array($0.elements) }) ?? [] {
                let arguments = container["args"].map { $0.elements.compactMap(\.string) } ?? []
                #expect(throws: Never.self, "\(file): \(arguments)") { _ = try Bulwark.parseAsRoot(arguments) }
                programs += 1
                // Ports that are probed and served are those that the program is told.
                let told = arguments.joined(separator: " ")
                for port in container["ports"].map({ Array($0.elements) }) ?? [] {
                    let number = try #require(port["containerPort"]?.int)
                    #expect(told.contains("port=\(number)") || number == 8443, "\(file): port \(number)")
                }
            }
        }
        #expect(programs == 2)
    }

    /// Components add words to the server's command line; this one a right that is no larger than it must be.
    @Test func componentsAreUnderstood() throws {
        let server = try #require(try Self.objects().first { $0.node["kind"]?.string == "StatefulSet" })
        let container = server.node["spec"]?["template"]?["spec"]?["containers"]?[0]
        var arguments = container?["args"]?.elements.compactMap(\.string) ?? []
        for component in ["images", "images/pull-secrets"] {
            for patch in try #require(Self.read("\(component)/kustomization.yaml").first?["patches"]).elements
            where patch["target"]?["name"]?.string == "bulwark-server" {
                let added = try #require(patch["patch"]?.string).matches(of: /value: (--[^}]*)\}/).map { String($0.1) }
                #expect(!added.isEmpty, "\(component)")
                arguments += added
            }
            #expect(throws: Never.self, "\(component): \(arguments)") { _ = try Bulwark.parseAsRoot(arguments) }
        }
        #expect(arguments.contains("--images") && arguments.contains("--images-pull-secrets"))
        let rights = try Self.read("images/pull-secrets/rights.yaml")
        let roles = rights.filter { $0["kind"]?.string == "ClusterRole" }
        #expect(
            roles.map { $0["rules"]?.json() ?? "" } == [
                #"[{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}]"#
            ])
    }

    @Test func ourOwnPodsAreRestricted() throws {
        var pods = 0
        for (file, node) in try Self.objects() {
            guard let source = try PodSource.find(in: node) else { continue }
            pods += 1
            let violations = PodSecurityStandard(.restricted).violations(in: source.pod)
            #expect(violations.isEmpty, "\(file): \(violations)")
        }
        #expect(pods == 2)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import Testing

@testable import PodSecurity

/// A field of a type that Kubernetes refuses never turns a failure into a pass.
///
/// Every value in every failing example of every check is put in another type, one at a time. The check may then still fail, or say
/// that it cannot judge; it may not pass.
@Suite struct WrongTypeTests {
    /// A JSON tree that can be changed.
    private indirect enum Tree {
        case scalar(String)
        case list([Tree])
        case object([(String, Tree)])

        init(_ node: Node) {
            switch node.kind {
            case .array: self = .list(node.elements.map(Tree.init))
            case .object: self = .object(node.members.map { ($0.key.string, Tree($0.value)) })
            default: self = .scalar(node.json())
            }
        }

        var json: String {
            switch self {
            case .scalar(let text): text
            case .list(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
            case .object(let members):
                "{" + members.map { "\(Tree.quoted($0.0)):\($0.1.json)" }.joined(separator: ",") + "}"
            }
        }

        private static func quoted(_ text: String) -> String {
            "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
        }

        /// What no field of this kind may be.
        private var wrongTypes: [String] {
            switch self {
            case .scalar(let text):
                if text == "null" { return [] }
                // Numbers stand where texts do in ports, quantities and the like: only structures are always wrong.
                return ["[\(text)]", "{\"value\":\(text)}", "[]", "{}"]
            case .list: return ["\"text\"", "7", "true", "{\"a\":1}"]
            case .object: return ["\"text\"", "7", "true", "[7]"]
            }
        }

        /// Every tree that differs from this one in one value's type, with the path of that value.
        var variants: [(path: String, tree: Tree)] {
            var all = wrongTypes.map { ("=\($0)", Tree.scalar($0)) }
            switch self {
            case .scalar: break
            case .list(let elements):
                for (index, element) in elements.enumerated() {
                    for (path, variant) in element.variants {
                        var changed = elements
                        changed[index] = variant
                        all.append(("[\(index)]\(path)", .list(changed)))
                    }
                }
            case .object(let members):
                for (index, member) in members.enumerated() {
                    for (path, variant) in member.1.variants {
                        var changed = members
                        changed[index].1 = variant
                        all.append((".\(member.0)\(path)", .object(changed)))
                    }
                }
            }
            return all
        }
    }

    /// Outcomes of one check on objects that are judged together; nil when one of them is refused as no object at all.
    private func outcomes(_ inspector: Inspector, _ trees: [Tree]) throws -> [Outcome]? {
        var inspector = inspector
        var found: [FoundObject] = []
        var isRefused = false
        for tree in trees {
            let root = try JSONReader.read(Array(tree.json.utf8), source: "test.json").root
            FoundObject.all(in: root, problem: { _, _ in isRefused = true }) { found.append($0) }
        }
        if isRefused || found.count < trees.count || found.contains(where: { $0.kind == nil }) { return nil }
        for object in found { if let kind = object.kind { inspector.context.add(object.object, kind: kind) } }
        var outcomes: [Outcome] = []
        var tally = Tally()
        for object in found {
            guard let kind = object.kind else { continue }
            inspector.inspect(
                Inspector.Input(object: object.object, kind: kind, subject: object.subject), tally: &tally
            ) { outcomes.append($0.outcome) }
        }
        return outcomes
    }

    /// Where another type is rightly a pass: slug and path, with the reason.
    private static let exceptions: [String: [String]] = [:]

    @Test func noWrongTypePasses() throws {
        var tried = 0
        for entry in try Catalogue.embedded().checks {
            let slug = entry.check.slug
            let inspector = Inspector(try Catalogue.embedded().selecting([slug]))
            let folder = packageRoot.appending(path: "checks/\(entry.check.area)/\(slug)/examples/fail")
            for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
                let bytes = Array(try Data(contentsOf: file))
                let trees = try DocumentReader.documents(in: bytes, source: "test.yaml").map { Tree(try $0.get().root) }
                for (index, tree) in trees.enumerated() {
                    for (path, variant) in tree.variants {
                        var changed = trees
                        changed[index] = variant
                        guard let outcomes = try outcomes(inspector, changed) else { continue }
                        tried += 1
                        if outcomes.contains(where: { $0 != .pass && $0 != .skip }) { continue }
                        if Self.exceptions[slug]?.contains(where: path.hasPrefix) == true { continue }
                        Issue.record("\(slug)/\(file.lastPathComponent) passes with document \(index)\(path)")
                    }
                }
            }
        }
        #expect(tried > 5000)
        print("wrong types: \(tried) variants of failing examples, none passes")
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Reads the metadata blocks among a module's comments: `# METADATA`, then comment lines of YAML.
struct Annotated {
    let comments: [Comment]
    let file: String

    /// Gives each block to the package, or to the rule that follows it.
    func attach(to module: inout Module) throws(RegoError) {
        for block in blocks() {
            let value = try read(block)
            let end = block.last?.row ?? 0
            let location = Location(file: file, row: block[0].row, column: block[0].column)
            let index = module.rules.firstIndex { $0.location.row > end }
            let followsPackage = module.packageLocation.row < block[0].row
            let given = value[.string("scope")]?.text
            let scope = given ?? (followsPackage ? "rule" : "package")
            guard ["rule", "document", "package", "subpackages"].contains(scope) else {
                throw RegoError(.parse, "invalid scope '\(scope)' of metadata", at: location)
            }
            var members = value
            members.set(.string("scope"), .string(scope))
            for (key, read) in [("authors", Annotated.author), ("related_resources", Annotated.resource)] {
                guard let entries = members[key]?.elements else { continue }
                members.set(.string(key), .array(entries.map(read)))
            }
            let annotations = Annotations(value: .object(members), scope: scope, location: location)
            if scope == "package" || scope == "subpackages" {
                module.annotations.append(annotations)
            } else if let index {
                module.rules[index].annotations.append(annotations)
            }
        }
    }

    /// `Name <address>`, or an object that says so.
    private static func author(_ entry: Value) -> Value {
        guard let text = entry.text else { return entry }
        var name = Texts.trim(text) { $0 == " " }
        var members: [(Value, Value)] = []
        if name.hasSuffix(">"), let open = name.lastIndex(of: "<") {
            members.append((.string("email"), .string(String(name[name.index(after: open)...].dropLast()))))
            name = Texts.trim(String(name[..<open])) { $0 == " " }
        }
        if !name.isEmpty { members.append((.string("name"), .string(name))) }
        return .object(ObjectValue(members))
    }

    private static func resource(_ entry: Value) -> Value {
        guard let text = entry.text else { return entry }
        return .object(ObjectValue([(.string("ref"), .string(text))]))
    }

    private func blocks() -> [[Comment]] {
        var found: [[Comment]] = []
        var index = 0
        while index < comments.count {
            let comment = comments[index]
            index += 1
            guard comment.isAlone, trimmed(comment.text) == "METADATA" else { continue }
            var block = [comment]
            while index < comments.count, comments[index].isAlone, comments[index].row == (block.last?.row ?? 0) + 1,
                comments[index].column == comment.column
            {
                block.append(comments[index])
                index += 1
            }
            found.append(block)
        }
        return found
    }

    private func read(_ block: [Comment]) throws(RegoError) -> ObjectValue {
        let text = block.dropFirst().map(\.text).joined(separator: "\n")
        let location = Location(file: file, row: block[0].row, column: block[0].column)
        if text.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x0A }) {
            throw RegoError(.parse, "expected METADATA block, found whitespace", at: location)
        }
        switch DocumentReader.documents(in: Array(text.utf8), source: file).first {
        case .success(let document):
            guard document.root.isObject else {
                throw RegoError(.parse, "expected METADATA block to be a map", at: location)
            }
            return ObjectValue(document.root)
        case .failure(let error): throw RegoError(.parse, "METADATA: \(error.message)", at: location)
        case nil: throw RegoError(.parse, "expected METADATA block, found nothing", at: location)
        }
    }

    private func trimmed(_ text: String) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

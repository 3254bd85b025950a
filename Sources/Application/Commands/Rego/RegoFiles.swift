// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Rego

/// The modules and data documents under the paths that a user names.
struct RegoFiles {
    private(set) var modules: [ModuleSource] = []
    private(set) var data = Value.emptyObject
    static let suffixes: Set<String> = ["rego", "json", "yaml", "yml"]

    /// A path may begin with a place in `data` and a colon: `inventory.cluster:objects.json`. Below a folder, folders are
    /// places in `data`.
    init(_ paths: [String], isWithData: Bool = true, problem: (String) -> Void) {
        for path in paths {
            let (prefix, file) = RegoFiles.split(path)
            for found in InputFile.all(in: [file], suffixes: RegoFiles.suffixes, problem: problem) {
                do {
                    try read(found, below: file, prefix, isWithData: isWithData)
                } catch let error as UserError {
                    problem(error.message)
                } catch {
                    problem("\(error)")
                }
            }
        }
    }

    private static func split(_ path: String) -> (prefix: [String], file: String) {
        guard let colon = path.firstIndex(of: ":"), FileStatus(path: path) == nil else { return ([], path) }
        let prefix = path[..<colon].split(separator: ".").map(String.init)
        return (prefix.first == "data" ? Array(prefix.dropFirst()) : prefix, String(path[path.index(after: colon)...]))
    }

    private mutating func read(_ file: String, below root: String, _ prefix: [String], isWithData: Bool) throws {
        let bytes = try InputFile.text(file, limit: 64 << 20)
        if file.hasSuffix(".rego") {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw UserError("\(file): not a UTF-8 text")
            }
            modules.append(ModuleSource(name: file, text: text))
            return
        }
        guard isWithData else { return }
        let folders = file.dropFirst(root.count).split(separator: "/").dropLast().map(String.init)
        let documents = DocumentReader.documents(in: bytes, source: file)
        guard documents.count == 1, let first = documents.first else {
            throw UserError("\(file): data is one document in a file, not \(documents.count)")
        }
        let document = try first.get()
        let place = prefix + folders
        guard document.root.isObject || !place.isEmpty else { throw UserError("\(file): data must be an object") }
        data = try RegoFiles.merge(data, RegoFiles.nested(.node(document.root), place[...]), file)
    }

    private static func nested(_ value: Value, _ place: ArraySlice<String>) -> Value {
        guard let name = place.first else { return value }
        return .object(ObjectValue([(.string(name), nested(value, place.dropFirst()))]))
    }

    private static func merge(_ one: Value, _ two: Value, _ file: String) throws -> Value {
        guard var members = one.members, let others = two.members else {
            throw UserError("\(file): its data stands where another file put some already")
        }
        for (key, value) in zip(others.keys, others.values) {
            members.set(key, try members[key].map { try merge($0, value, file) } ?? value)
        }
        return .object(members)
    }
}

/// A document given as a file or on standard input.
enum RegoInput {
    static func read(_ path: String) throws -> Value {
        let bytes: [UInt8]
        if path == "-" {
            let file = try InputFile.spoolStandardInput()
            defer { close(file) }
            bytes = try InputFile.all(of: file, "standard input")
        } else {
            bytes = try InputFile.text(path, limit: 64 << 20)
        }
        let documents = DocumentReader.documents(in: bytes, source: path == "-" ? "standard input" : path)
        guard documents.count == 1, let first = documents.first else {
            throw UserError("\(path): input is one document, not \(documents.count)")
        }
        return .node(try first.get().root)
    }
}

extension RegoError {
    /// Says it on standard error, with the line it stands in below.
    func show() {
        for line in description.split(separator: "\n", omittingEmptySubsequences: true) {
            Terminal.note(String(line).replacing("\t", with: "    "))
        }
    }
}

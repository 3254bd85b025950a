// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// The JSON object that came with a request. A member that nobody asks for is an error: it is most likely a typing
/// mistake, and to ignore it would be to do something else than was meant.
struct JSONBody {
    private static let limits = DocumentLimits(maxBytes: Gate.maxBody, maxDepth: 16, maxNodes: 10_000)

    private let root: Node

    init(_ call: Call, allowed: Set<String>) throws {
        guard !call.body.isEmpty else { throw ConsoleError(.invalid, "Send a JSON object as the body.") }
        do { root = try JSONReader.read(call.body, source: "body", limits: Self.limits).root } catch {
            throw ConsoleError(.invalid, "The body is not JSON: \(error)", cause: error)
        }
        guard root.isObject else { throw ConsoleError(.invalid, "The body is a JSON object.") }
        for member in root.members where !allowed.contains(member.key.string) {
            let names = allowed.sorted().joined(separator: ", ")
            throw ConsoleError(.invalid, "The body has an unknown member \(member.key.string); it may have \(names).")
        }
    }

    func has(_ name: String) -> Bool { root[dynamic: name].map { !$0.isNull } ?? false }

    /// Empty when it is missing or null.
    func text(_ name: String) throws -> String {
        guard let node = root[dynamic: name], !node.isNull else { return "" }
        guard let text = node.string else { throw ConsoleError(.invalid, "\(name) is a string.") }
        return text
    }

    func requiredText(_ name: String) throws -> String {
        let text = try text(name)
        guard !text.isEmpty else { throw ConsoleError(.invalid, "\(name) is missing.") }
        return text
    }

    func number(_ name: String) throws -> Int {
        guard let number = root[dynamic: name]?.int else { throw ConsoleError(.invalid, "\(name) is a whole number.") }
        return number
    }

    func flag(_ name: String) throws -> Bool {
        guard let flag = root[dynamic: name]?.bool else { throw ConsoleError(.invalid, "\(name) is true or false.") }
        return flag
    }

    func texts(_ name: String) throws -> [String] {
        guard let node = root[dynamic: name], !node.isNull else { return [] }
        let texts = node.elements.map(\.string)
        guard node.isArray, !texts.contains(nil) else {
            throw ConsoleError(.invalid, "\(name) is a list of strings.")
        }
        return texts.compactMap { $0 }
    }

    /// Seconds since 1970 of `2026-12-31T12:00:00Z`, or of the end of the day `2026-12-31`.
    func time(_ name: String) throws -> Int64 {
        let text = try requiredText(name)
        guard let time = Self.time(text) else {
            throw ConsoleError(.invalid, "\(name) is a time as 2026-12-31T12:00:00Z, or a day as 2026-12-31.")
        }
        return time
    }

    static func time(_ text: String) -> Int64? {
        if let day = ExemptionsPage.endOfDay(text) { return day }
        let bytes = Array(text.utf8)
        guard bytes.count == 20, bytes[10] == UInt8(ascii: "T"), bytes[19] == UInt8(ascii: "Z"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let end = ExemptionsPage.endOfDay(String(text.prefix(10))),
            let hour = digits(bytes[11...12]), let minute = digits(bytes[14...15]), let second = digits(bytes[17...18]),
            hour < 24, minute < 60, second < 60
        else { return nil }
        return end - 86_399 + hour * 3600 + minute * 60 + second
    }

    private static func digits(_ bytes: ArraySlice<UInt8>) -> Int64? {
        guard bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Reporting

/// A JSON value of an answer: members keep their order. Small by design: lists of answers are paged.
indirect enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case decimal(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    struct Member: Sendable, Equatable {
        var name: String
        var value: JSONValue
    }

    /// RFC 3339 text in UTC, or null.
    static func time(_ seconds: Int64?) -> JSONValue { seconds.map { .string(Timestamp.iso8601($0)) } ?? .null }

    /// Null for nil.
    static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    static func optional(_ number: Int64?) -> JSONValue { number.map { .int($0) } ?? .null }

    static func strings(_ texts: some Sequence<String>) -> JSONValue { .array(texts.map { .string($0) }) }

    static func optional(_ number: Double?) -> JSONValue { number.map { .decimal($0) } ?? .null }

    subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    var encoded: [UInt8] {
        var writer = TreeWriter(.json)
        write(to: &writer)
        return writer.output.bytes
    }

    private func write(to writer: inout TreeWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.boolean(value)
        case .int(let value): writer.integer(Int(value))
        // JSON has no word for what is no number.
        case .decimal(let value): if value.isFinite { writer.number(value) } else { writer.null() }
        case .string(let text): writer.string(text)
        case .array(let values):
            writer.beginArray()
            for value in values { value.write(to: &writer) }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for member in members {
                writer.key(dynamic: member.name)
                member.value.write(to: &writer)
            }
            writer.endObject()
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int64) { self = .int(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { Member(name: $0.0, value: $0.1) })
    }
}

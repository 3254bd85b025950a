// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// A module's tree as a value, in the shape of OPA's JSON: what `rego.parse_module` gives.
struct SyntaxTree {
    private let context: BuiltinContext

    static func value(_ module: Module, _ context: BuiltinContext) throws -> Value {
        let tree = SyntaxTree(context: context)
        var members: [(Value, Value)] = [
            (.string("package"), tree.object([("path", tree.path(["data"] + module.package))]))
        ]
        if !module.imports.isEmpty {
            members.append((.string("imports"), .array(try module.imports.map { try tree.value($0) })))
        }
        let rules = try module.rules.map { try tree.value($0) }
        if !rules.isEmpty { members.append((.string("rules"), .array(rules))) }
        if !module.comments.isEmpty {
            members.append(
                (
                    .string("comments"),
                    .array(
                        module.comments.map { comment in
                            tree.object([
                                ("Text", .string(Data(comment.text.utf8).base64EncodedString())),
                                (
                                    "Location",
                                    tree.object([
                                        ("file", .string(module.name)), ("row", .int(comment.row)),
                                        ("col", .int(comment.column)),
                                    ])
                                ),
                            ])
                        })
                ))
        }
        return .object(ObjectValue(members))
    }

    private func object(_ members: [(String, Value?)]) -> Value {
        .object(ObjectValue(members.compactMap { name, value in value.map { (.string(name), $0) } }))
    }

    private func term(_ type: String, _ value: Value) throws -> Value {
        try context.spend(96)
        return object([("type", .string(type)), ("value", value)])
    }

    private func path(_ names: [String]) -> Value {
        .array(
            names.enumerated().map { index, name in
                object([("type", .string(index == 0 ? "var" : "string")), ("value", .string(name))])
            })
    }

    private func value(_ found: Import) throws -> Value {
        object([("path", try term("ref", path(found.path))), ("alias", found.alias.map { .string($0) })])
    }

    // MARK: Rules

    private func value(_ rule: Rule) throws -> Value {
        var head: [(String, Value?)] = [
            ("name", rule.reference.count == 1 ? .string(rule.name) : nil),
            ("ref", .array(try rule.reference.map { try value($0) })),
        ]
        switch rule.kind {
        case .single: head.append(("value", try value(rule.value)))
        case .multiple: head.append(("key", try value(rule.value)))
        case .function(let arguments):
            head.append(("args", .array(try arguments.map { try value($0) })))
            head.append(("value", try value(rule.value)))
        }
        var other: Value?
        for alternative in rule.alternatives.reversed() {
            var inner = head.filter { $0.0 != "value" }
            inner.append(("value", try value(alternative.value)))
            other = object([("head", object(inner)), ("body", try value(alternative.body)), ("else", other)])
        }
        return object([
            ("default", rule.isDefault ? .bool(true) : nil), ("head", object(head)), ("body", try value(rule.body)),
            ("else", other),
        ])
    }

    private func value(_ body: [Expr]) throws -> Value {
        .array(
            try body.enumerated().map { index, line in
                let terms: Value
                switch line.kind {
                case .term(let term):
                    if case .call(let function, let arguments) = term.kind {
                        terms = .array([try self.function(function)] + (try arguments.map { try value($0) }))
                    } else {
                        terms = try value(term)
                    }
                case .some(let names): terms = object([("symbols", .array(try names.map { try value($0) }))])
                case .someIn(let key, let element, let domain):
                    terms = object([("symbols", .array([try member(key, element, domain)]))])
                case .every(let key, let element, let domain, let lines):
                    terms = object([
                        ("key", try key.map { try value($0) } ?? .null), ("value", try value(element)),
                        ("domain", try value(domain)), ("body", try value(lines)),
                    ])
                }
                let with = try line.with.map { with in
                    object([("target", try value(with.target)), ("value", try value(with.value))])
                }
                return object([
                    ("index", .int(index)), ("terms", terms), ("negated", line.isNegated ? .bool(true) : nil),
                    ("with", with.isEmpty ? nil : .array(with)),
                ])
            })
    }

    private func member(_ key: Term?, _ element: Term, _ domain: Term) throws -> Value {
        let name = try term(
            "ref",
            .array([
                try term("var", .string("internal")), try term("string", .string(key == nil ? "member_2" : "member_3")),
            ]))
        let arguments = try ([key, element, domain] as [Term?]).compactMap { try $0.map { try value($0) } }
        return try term("call", .array([name] + arguments))
    }

    /// A function's name is a reference, also where it is one word.
    private func function(_ name: Term) throws -> Value {
        name.variableName == nil ? try value(name) : try term("ref", .array([try value(name)]))
    }

    private func value(_ term: Term) throws -> Value {
        switch term.kind {
        case .null: return try self.term("null", .null)
        case .bool(let bool): return try self.term("boolean", .bool(bool))
        case .number(let text): return try self.term("number", Value(numberText: text))
        case .string(let text): return try self.term("string", .string(text))
        case .variable(let name):
            // Wildcards are counted from 0.
            let number = name.hasPrefix("$") ? Int(name.dropFirst()) : nil
            return try self.term("var", .string(number.map { "$\($0 - 1)" } ?? name))
        case .ref(let head, let rest): return try self.term("ref", .array(try ([head] + rest).map { try value($0) }))
        case .array(let terms): return try self.term("array", .array(try terms.map { try value($0) }))
        case .set(let terms): return try self.term("set", .array(try terms.map { try value($0) }))
        case .object(let members):
            return try self.term(
                "object", .array(try members.map { .array([try value($0.key), try value($0.value)]) }))
        case .arrayComprehension(let head, let lines):
            return try self.term("arraycomprehension", object([("term", try value(head)), ("body", try value(lines))]))
        case .setComprehension(let head, let lines):
            return try self.term("setcomprehension", object([("term", try value(head)), ("body", try value(lines))]))
        case .objectComprehension(let key, let member, let lines):
            return try self.term(
                "objectcomprehension",
                object([("key", try value(key)), ("value", try value(member)), ("body", try value(lines))]))
        case .call(let name, let arguments):
            return try self.term("call", .array([try function(name)] + (try arguments.map { try value($0) })))
        case .template(let parts):
            let values = try parts.map { part -> Value in
                switch part {
                case .text(let text): return try self.term("string", .string(text))
                case .term(let inner, _): return try value(inner)
                }
            }
            return try self.term("templatestring", object([("parts", .array(values)), ("multi_line", .bool(false))]))
        }
    }
}

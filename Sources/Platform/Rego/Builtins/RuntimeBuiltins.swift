// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

extension BuiltinTable {
    mutating func addRuntime() {
        zero("opa.runtime", deterministic: false) { $0.runtime }
        one("trace", [.string], deterministic: false) { value, context in
            context.note(try value.string(1))
            return .bool(true)
        }
        add(
            Builtin(
                "print", arity: nil, signature: .init([], []), isDeterministic: false,
                .many { arguments, context in
                    context.note(arguments.map { $0.text ?? $0.regoText }.joined(separator: " "))
                    return .bool(true)
                }))
        add(
            Builtin(
                "walk", arity: 1, signature: .init([[]], []),
                .relation { value, context, each in
                    try walk(value, [], context, each)
                }))
        // Answered while compiling.
        zero("rego.metadata.chain") { _ in .array([]) }
        zero("rego.metadata.rule") { _ in .emptyObject }
        two("rego.parse_module", [.string], [.string]) { name, text, context in
            let source = ModuleSource(name: try name.string(1), text: try text.string(2))
            let module: Module
            do throws(RegoErrors) {
                if let old = try? Module.parse(source, version: .v0) {
                    module = old
                } else {
                    module = try Module.parse(source, version: .v1)
                }
            } catch {
                throw BuiltinError(.builtin, error.errors.first?.message ?? "not a module")
            }
            return try SyntaxTree.value(module, context)
        }
    }

    /// What would reach out to the world. Refused, with a reason.
    mutating func addRefused() {
        let names = [("http.send", 1), ("net.lookup_ip_addr", 1)]
        for (name, _) in names {
            one(name, deterministic: false) { _, _ in
                throw BuiltinError(.builtin, "\(name) is off: policies cannot reach the network")
            }
        }
    }
}

extension BuiltinContext {
    /// Now, and what the process knows of itself.
    package static func current() -> BuiltinContext {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let now = time.tv_sec * 1_000_000_000 + time.tv_nsec
        return BuiltinContext(now: now, seed: processSeed &+ UInt64(truncatingIfNeeded: now) &* 0x9E37_79B9_7F4A_7C15)
    }

    /// Asked of the system once: it differs from one process to the next, and with the time from one evaluation to another.
    private static let processSeed = UInt64.random(in: 0 ... .max)

    func note(_ text: String) {
        if notes.count < 1000 { notes.append(String(text.prefix(10_000))) }
    }
}

/// Every place in a value with its path, the value itself first.
private func walk(
    _ value: Value, _ path: [Value], _ context: BuiltinContext, _ each: (Value) throws -> Void
) throws {
    try context.spend((path.count + 2) * MemoryLayout<Value>.stride)
    try each(.array([.array(path), value]))
    if let elements = value.elements {
        for (index, element) in elements.enumerated() { try walk(element, path + [.int(index)], context, each) }
    } else if let object = value.members {
        for (key, member) in zip(object.keys, object.values) { try walk(member, path + [key], context, each) }
    } else if let set = value.setMembers {
        for member in set.members { try walk(member, path + [member], context, each) }
    }
}

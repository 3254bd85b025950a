enum Builtins {
    static let all: [String: Builtin] = {
        var found: [String: Builtin] = [:]
        func two(_ name: String, _ body: @escaping @Sendable (Value, Value) -> Value?) {
            found[name] = Builtin(name, arity: 2, signature: .init([[], []], []), .two { a, b, _ in body(a, b) })
        }
        two("plus") { a, b in
            guard case .int(let x) = a.resolved, case .int(let y) = b.resolved else { return nil }
            return .int(x + y)
        }
        two("minus") { a, b in
            guard case .int(let x) = a.resolved, case .int(let y) = b.resolved else { return nil }
            return .int(x - y)
        }
        two("mul") { a, b in
            guard case .int(let x) = a.resolved, case .int(let y) = b.resolved else { return nil }
            return .int(x * y)
        }
        two("equal") { a, b in .bool(equal(a, b)) }
        two("neq") { a, b in .bool(!equal(a, b)) }
        two("lt") { a, b in .bool(compare(a, b) < 0) }
        two("gt") { a, b in .bool(compare(a, b) > 0) }
        two("lte") { a, b in .bool(compare(a, b) <= 0) }
        two("gte") { a, b in .bool(compare(a, b) >= 0) }
        found["count"] = Builtin(
            "count", arity: 1, signature: .init([[]], []), .one { a, _ in a.count.map { .int($0) } })
        return found
    }()
}
extension Value { var regoText: String { "\(self)" } }
import Documents
extension Value {
    package var json: String {
        switch self {
        case .null: "null"
        case .bool(let b): b ? "true" : "false"
        case .int(let i): "\(i)"
        case .number(let n): n.text
        case .string(let s):
            "\"" + s.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
        case .array(let a): "[" + a.map(\.json).joined(separator: ",") + "]"
        case .set(let a): "[" + a.members.map(\.json).joined(separator: ",") + "]"
        case .object(let o):
            "{"
                + zip(o.keys, o.values).map {
                    ($0.text.map { Value.string($0).json } ?? Value.string($0.json).json) + ":" + $1.json
                }.joined(separator: ",") + "}"
        case .node(let n): n.json()
        }
    }
}
extension BuiltinContext { package static func current() -> BuiltinContext { BuiltinContext(now: 0) } }

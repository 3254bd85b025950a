// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BuiltinTable {
    mutating func addFormatting() {
        two("sprintf", [.string], [.array]) { format, arguments, context in
            if let text = try PlainFormat.text(format, arguments, context) { return .string(text) }
            var formatter = GoFormatter(arguments: try arguments.array(2).map { GoFormatter.Argument($0) })
            let text = try formatter.format(try format.string(1), context)
            return .string(text)
        }
        two("format_int", [.number], [.number]) { number, base, _ in
            let number = try number.number(1)
            guard let radix = base.bigInteger?.int, [2, 8, 10, 16].contains(radix) else {
                throw BuiltinError(.type, "operand 2 must be one of {2, 8, 10, 16}")
            }
            guard let whole = number.bigInteger ?? number.wide.flatMap({ BigInteger($0.rounded(.towardZero)) }) else {
                return nil
            }
            return .string(whole.description(radix: UInt32(radix)))
        }
    }
}

/// Go's fmt.Sprintf for what OPA hands to it: whole numbers, floats, strings and the text of everything else.
struct GoFormatter {
    enum Argument {
        case int(Int)
        case big(BigInteger)
        case float(Double)
        case string(String)

        init(_ value: Value) {
            switch value.kind {
            case .number:
                switch value.resolved {
                case .int(let int): self = .int(int)
                case .number(let number):
                    if let whole = BigInteger(number.text) {
                        self = .big(whole)
                    } else {
                        // What no float64 holds is printed as it is written.
                        let float = Double(number.text) ?? .infinity
                        self = float.isFinite ? .float(float) : .string(number.text)
                    }
                default: self = .string(value.regoText)
                }
            case .string: self = .string(value.text ?? "")
            default: self = .string(value.regoText)
            }
        }

        var typeName: String {
            switch self {
            case .int: "int"
            case .big: "*big.Int"
            case .float: "float64"
            case .string: "string"
            }
        }

        var plain: String {
            switch self {
            case .int(let int): "\(int)"
            case .big(let whole): whole.description(radix: 10)
            case .float(let double): GoFloat(double).plain
            case .string(let text): text
            }
        }
    }

    struct Flags {
        var plus = false
        var minus = false
        var sharp = false
        var space = false
        var zero = false
        var width: Int?
        var precision: Int?
    }

    let arguments: [Argument]
    private var next = 0
    private var usedIndex = false

    init(arguments: [Argument]) { self.arguments = arguments }

    mutating func format(_ text: String, _ context: BuiltinContext) throws -> String {
        var result = String.UnicodeScalarView()
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            if scalar != "%" {
                result.append(scalar)
                continue
            }
            let piece = verb(&scalars)
            try context.spend(piece.utf8.count)
            result.append(contentsOf: piece.unicodeScalars)
        }
        if !usedIndex, next < arguments.count {
            let rest = arguments[next...].map { "\($0.typeName)=\($0.plain)" }.joined(separator: ", ")
            result.append(contentsOf: "%!(EXTRA \(rest))".unicodeScalars)
        }
        return String(result)
    }

    /// One directive after its `%`.
    private mutating func verb(_ scalars: inout Substring.UnicodeScalarView) -> String {
        var flags = Flags()
        flag: while let scalar = scalars.first {
            switch scalar {
            case "+": flags.plus = true
            case "-":
                flags.minus = true
                flags.zero = false
            case "#": flags.sharp = true
            case " ": flags.space = true
            case "0": flags.zero = !flags.minus
            default: break flag
            }
            scalars.removeFirst()
        }
        var isBadIndex = index(&scalars)
        if scalars.first == "*" {
            scalars.removeFirst()
            guard let width = star() else { return "%!(BADWIDTH)" }
            flags.width = width.magnitude <= 1_000_000 ? abs(width) : nil
            if width < 0 { flags.minus = true }
        } else if let width = number(&scalars) {
            if width > 1_000_000 { return "%!(BADWIDTH)" }
            flags.width = width
        }
        if scalars.first == "." {
            scalars.removeFirst()
            isBadIndex = index(&scalars) || isBadIndex
            if scalars.first == "*" {
                scalars.removeFirst()
                guard let precision = star(), precision >= 0, precision <= 1_000_000 else { return "%!(BADPREC)" }
                flags.precision = precision
            } else {
                flags.precision = min(number(&scalars) ?? 0, 1_000_000)
            }
        }
        isBadIndex = index(&scalars) || isBadIndex
        guard let verb = scalars.popFirst() else { return "%!(NOVERB)" }
        if verb == "%" { return "%" }
        if isBadIndex { return "%!\(verb)(BADINDEX)" }
        guard next < arguments.count else { return "%!\(verb)(MISSING)" }
        next += 1
        return GoFormatter.format(arguments[next - 1], verb, flags)
    }

    /// `[n]`; true when it names no argument.
    private mutating func index(_ scalars: inout Substring.UnicodeScalarView) -> Bool {
        guard scalars.first == "[" else { return false }
        usedIndex = true
        guard let end = scalars.firstIndex(of: "]") else {
            scalars.removeFirst()
            return true
        }
        let text = String(String.UnicodeScalarView(scalars[scalars.index(after: scalars.startIndex)..<end]))
        scalars = scalars[scalars.index(after: end)...]
        guard let position = Int(text), position >= 1, position <= arguments.count else { return true }
        next = position - 1
        return false
    }

    private mutating func star() -> Int? {
        guard next < arguments.count, case .int(let value) = arguments[next] else { return nil }
        next += 1
        return value
    }

    private func number(_ scalars: inout Substring.UnicodeScalarView) -> Int? {
        var value: Int?
        while let scalar = scalars.first, scalar >= "0", scalar <= "9" {
            value = min((value ?? 0) * 10 + Int(scalar.value - 48), 10_000_000)
            scalars.removeFirst()
        }
        return value
    }
}

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
        var result = ""
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            if scalar != "%" {
                result.unicodeScalars.append(scalar)
                continue
            }
            var piece = ""
            verb(&scalars, &piece)
            try context.spend(piece.utf8.count)
            result += piece
        }
        if !usedIndex, next < arguments.count {
            let rest = arguments[next...].map { "\($0.typeName)=\($0.plain)" }.joined(separator: ", ")
            result += "%!(EXTRA \(rest))"
        }
        return result
    }

    /// One directive after its `%`. What is wrong with its numbers is said, and the directive goes on without them.
    private mutating func verb(_ scalars: inout Substring.UnicodeScalarView, _ piece: inout String) {
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
            if let width = star() {
                flags.width = abs(width)
                if width < 0 {
                    flags.minus = true
                    flags.zero = false
                }
            } else {
                piece += "%!(BADWIDTH)"
            }
        } else {
            flags.width = number(&scalars)
        }
        if scalars.first == "." {
            scalars.removeFirst()
            isBadIndex = index(&scalars) || isBadIndex
            if scalars.first == "*" {
                scalars.removeFirst()
                flags.precision = star().flatMap { $0 < 0 ? nil : $0 }
                if flags.precision == nil { piece += "%!(BADPREC)" }
            } else {
                flags.precision = number(&scalars) ?? 0
            }
        }
        isBadIndex = index(&scalars) || isBadIndex
        guard let verb = scalars.popFirst() else {
            piece += "%!(NOVERB)"
            return
        }
        if verb == "%" {
            piece += "%"
        } else if isBadIndex {
            piece += "%!\(verb)(BADINDEX)"
        } else if next >= arguments.count {
            piece += "%!\(verb)(MISSING)"
        } else {
            next += 1
            piece += GoFormatter.format(arguments[next - 1], verb, flags)
        }
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

    /// A number among the arguments, which is used up whatever it is; nil when it is none or too large.
    private mutating func star() -> Int? {
        guard next < arguments.count else { return nil }
        next += 1
        guard case .int(let value) = arguments[next - 1], value.magnitude <= 1_000_000 else { return nil }
        return value
    }

    /// Of a number that is too long nothing is left, nor of the directive.
    private func number(_ scalars: inout Substring.UnicodeScalarView) -> Int? {
        var value: Int?
        while let scalar = scalars.first, scalar >= "0", scalar <= "9" {
            if let value, value > 1_000_000 {
                scalars = Substring.UnicodeScalarView()
                return nil
            }
            value = (value ?? 0) * 10 + Int(scalar.value - 48)
            scalars.removeFirst()
        }
        return value
    }
}

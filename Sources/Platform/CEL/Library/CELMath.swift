// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

extension CELFunctions {
    static func addMath(_ table: inout [String: Body]) {
        for (name, sign) in [("math.greatest", 1), ("math.least", -1)] {
            table[name] = { arguments, _ in
                var values = arguments.map(\.resolved)
                if values.count == 1, case .list(let list) = values[0] {
                    values = list.map(\.resolved)
                    if values.isEmpty { throw CELEvaluator.error("\(name)(list) argument must not be empty") }
                }
                guard var best = values.first else { throw noOverload(name, arguments) }
                for value in values {
                    switch value {
                    case .int, .uint, .double: break
                    default: throw noOverload(name, arguments)
                    }
                    if let order = CELValue.compareNumbers(value, best), order * sign > 0 { best = value }
                }
                return best
            }
        }
        let rounding: [(String, @Sendable (Double) -> Double)] = [
            ("math.ceil", { $0.rounded(.up) }), ("math.floor", { $0.rounded(.down) }),
            ("math.round", { $0.rounded(.toNearestOrAwayFromZero) }), ("math.trunc", { $0.rounded(.towardZero) }),
        ]
        for (name, round) in rounding {
            table[name] = { arguments, _ in
                guard case .double(let double)? = arguments.first?.resolved else { throw noOverload(name, arguments) }
                return .double(round(double))
            }
        }
        table["math.sqrt"] = { arguments, _ in
            switch arguments.first?.resolved {
            case .double(let double): return .double(double.squareRoot())
            case .int(let int): return .double(Double(int).squareRoot())
            case .uint(let uint): return .double(Double(uint).squareRoot())
            default: throw noOverload("math.sqrt", arguments)
            }
        }
        table["math.abs"] = { arguments, _ in
            switch arguments.first?.resolved {
            case .int(let int):
                if int == .min { throw CELEvaluator.error("integer overflow") }
                return .int(abs(int))
            case .uint(let uint): return .uint(uint)
            case .double(let double): return .double(abs(double))
            default: throw noOverload("math.abs", arguments)
            }
        }
        table["math.sign"] = { arguments, _ in
            switch arguments.first?.resolved {
            case .int(let int): return .int(int.signum())
            case .uint(let uint): return .uint(uint == 0 ? 0 : 1)
            case .double(let double): return .double(double.isNaN ? .nan : double > 0 ? 1 : double < 0 ? -1 : 0)
            default: throw noOverload("math.sign", arguments)
            }
        }
        let tests: [(String, @Sendable (Double) -> Bool)] = [
            ("math.isNaN", { $0.isNaN }), ("math.isInf", { $0.isInfinite }), ("math.isFinite", { $0.isFinite }),
        ]
        for (name, test) in tests {
            table[name] = { arguments, _ in
                guard case .double(let double)? = arguments.first?.resolved else { throw noOverload(name, arguments) }
                return .bool(test(double))
            }
        }
        let bits: [(String, @Sendable (UInt, UInt) -> UInt)] = [
            ("math.bitAnd", { $0 & $1 }), ("math.bitOr", { $0 | $1 }), ("math.bitXor", { $0 ^ $1 }),
        ]
        for (name, combine) in bits {
            table[name] = { arguments, _ in
                guard arguments.count == 2 else { throw noOverload(name, arguments) }
                switch (arguments[0].resolved, arguments[1].resolved) {
                case (.int(let a), .int(let b)):
                    return .int(Int(bitPattern: combine(UInt(bitPattern: a), UInt(bitPattern: b))))
                case (.uint(let a), .uint(let b)): return .uint(combine(a, b))
                default: throw noOverload(name, arguments)
                }
            }
        }
        table["math.bitNot"] = { arguments, _ in
            switch arguments.first?.resolved {
            case .int(let int): return .int(~int)
            case .uint(let uint): return .uint(~uint)
            default: throw noOverload("math.bitNot", arguments)
            }
        }
        for (name, isLeft) in [("math.bitShiftLeft", true), ("math.bitShiftRight", false)] {
            table[name] = { arguments, _ in
                guard arguments.count == 2, case .int(let count) = arguments[1].resolved else {
                    throw noOverload(name, arguments)
                }
                if count < 0 { throw CELEvaluator.error("\(name)() negative offset: \(count)") }
                switch arguments[0].resolved {
                case .int(let int):
                    // To the right as if of an unsigned number.
                    let raw = UInt(bitPattern: int)
                    return .int(count > 63 ? 0 : Int(bitPattern: isLeft ? raw << UInt(count) : raw >> UInt(count)))
                case .uint(let uint): return .uint(count > 63 ? 0 : isLeft ? uint << UInt(count) : uint >> UInt(count))
                default: throw noOverload(name, arguments)
                }
            }
        }
    }
}

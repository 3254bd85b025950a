// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Arguments taken apart; what does not fit is OPA's error. Positions are 1-based.
extension Value {
    func string(_ position: Int) throws -> String {
        guard let text else { throw BuiltinError.operand(position, mustBe: "string", butGot: self) }
        return text
    }

    func array(_ position: Int) throws -> [Value] {
        guard let elements else { throw BuiltinError.operand(position, mustBe: "array", butGot: self) }
        return elements
    }

    func object(_ position: Int) throws -> ObjectValue {
        guard let members else { throw BuiltinError.operand(position, mustBe: "object", butGot: self) }
        return members
    }

    func set(_ position: Int) throws -> SetValue {
        guard let setMembers else { throw BuiltinError.operand(position, mustBe: "set", butGot: self) }
        return setMembers
    }

    func boolean(_ position: Int) throws -> Bool {
        guard kind == .bool else { throw BuiltinError.operand(position, mustBe: "boolean", butGot: self) }
        return !isFalse
    }

    func number(_ position: Int) throws -> Value {
        guard kind == .number else { throw BuiltinError.operand(position, mustBe: "number", butGot: self) }
        return resolved
    }

    func float(_ position: Int) throws -> Wide {
        guard let wide else { throw BuiltinError.operand(position, mustBe: "number", butGot: self) }
        return wide
    }

    /// A whole number of any size.
    func whole(_ position: Int) throws -> BigInteger {
        _ = try number(position)
        guard let bigInteger else {
            throw BuiltinError(.type, "operand \(position) must be integer number but got floating-point number")
        }
        return bigInteger
    }

    func int(_ position: Int) throws -> Int {
        let whole = try whole(position)
        guard let int = whole.int else {
            throw BuiltinError(.type, "operand \(position) must be a number that fits 64 bits")
        }
        return int
    }

    /// The elements of an array or a set.
    func collection(_ position: Int) throws -> [Value] {
        if let elements { return elements }
        if let setMembers { return setMembers.members }
        throw BuiltinError.operand(position, mustBe: "one of {array, set}", butGot: self)
    }

    /// The texts in an array or a set.
    func strings(_ position: Int) throws -> [String] {
        try collection(position).map { element in
            guard let text = element.text else {
                throw BuiltinError(
                    .type,
                    "operand \(position) must be \(kind == .set ? "set" : "array") of strings but got "
                        + "\(kind == .set ? "set" : "array") containing \(element.kind.name)")
            }
            return text
        }
    }

    /// The bytes of a string in place, without a copy where it stands in a document.
    func withText<R>(_ position: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> R) throws -> R {
        switch self {
        case .string(var text): return try text.withUTF8(body)
        case .node(let node) where node.kind == .string:
            guard let result = try node.withUTF8(body) else { break }
            return result
        default: break
        }
        throw BuiltinError.operand(position, mustBe: "string", butGot: self)
    }
}

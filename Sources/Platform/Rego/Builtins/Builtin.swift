// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A function of the language that is not written in it. Pure, but for what its context gives.
package struct Builtin: Sendable {
    /// `nil` is undefined. Bodies of one and two arguments spare an array.
    package enum Body: Sendable {
        case zero(@Sendable (BuiltinContext) throws -> Value?)
        case one(@Sendable (Value, BuiltinContext) throws -> Value?)
        case two(@Sendable (Value, Value, BuiltinContext) throws -> Value?)
        case many(@Sendable ([Value], BuiltinContext) throws -> Value?)
        /// Gives any number of answers: only `walk`.
        case relation(@Sendable (Value, BuiltinContext, (Value) throws -> Void) throws -> Void)
    }

    package let name: String
    /// How many arguments; nil is any number.
    package let arity: Int?
    package let body: Body
    /// Answers may differ between two evaluations (time, random numbers, traces): such a call is never shared or folded.
    package let isDeterministic: Bool
    /// What is checked while compiling: the arguments' types and the result's, in OPA's words where it names them.
    package let signature: Signature

    /// Types as far as the compiler checks constants against them.
    package struct Signature: Sendable {
        /// The kinds an argument may have; an empty list is any.
        package var arguments: [[Value.Kind]]
        package var result: [Value.Kind]

        package init(_ arguments: [[Value.Kind]], _ result: [Value.Kind]) {
            self.arguments = arguments
            self.result = result
        }
    }

    package init(
        _ name: String, arity: Int?, signature: Signature, isDeterministic: Bool = true, _ body: Body
    ) {
        self.name = name
        self.arity = arity
        self.signature = signature
        self.isDeterministic = isDeterministic
        self.body = body
    }
}

/// Why a function has no answer. Without strict errors the call is undefined.
package struct BuiltinError: Error, Sendable {
    package enum Code: Sendable { case type, builtin }
    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// `NAME: operand N must be KINDS but got KIND`, as OPA writes it; N is 1-based.
    package static func operand(_ index: Int, mustBe kinds: String, butGot value: Value) -> BuiltinError {
        BuiltinError(.type, "operand \(index) must be \(kinds) but got \(value.kind.name)")
    }
}

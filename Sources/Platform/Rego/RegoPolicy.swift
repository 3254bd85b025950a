// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Modules compiled together, ready for any number of queries on any thread.
package final class RegoPolicy: Sendable {
    let program: Program

    /// Reads and compiles modules. Throws everything that is wrong with them.
    package convenience init(_ sources: [ModuleSource], version: RegoVersion = .v1) throws(RegoErrors) {
        var modules: [Module] = []
        var errors: [RegoError] = []
        for source in sources {
            do throws(RegoErrors) {
                modules.append(try Module.parse(source, version: version))
            } catch {
                errors += error.errors
            }
        }
        if !errors.isEmpty { throw RegoErrors(errors) }
        try self.init(modules: modules)
    }

    /// Compiles modules. `builtins` replaces the functions of the language, for those who forbid some.
    package init(modules: [Module], builtins: [String: Builtin] = Builtins.all) throws(RegoErrors) {
        program = try Compiler.compile(modules, builtins: builtins)
    }

    package var modules: [Module] { program.modules }

    /// Compiles a query, which sees the names of `package` and its imports where one is named.
    package func prepare(
        _ query: String, version: RegoVersion = .v1, package path: [String] = []
    ) throws(RegoErrors) -> PreparedQuery {
        var parser = Parser(query, file: "query", version: version)
        var body: [Expr] = []
        if parser.errors.isEmpty {
            do throws(RegoError) {
                body = try parser.query(until: nil)
                if !parser.isAtEnd { throw parser.unexpected("expected end of query") }
            } catch {
                parser.note(error)
            }
        }
        guard parser.errors.isEmpty else { throw RegoErrors(parser.errors) }
        let home =
            program.modules.first { !path.isEmpty && $0.package == path }
            ?? Module(
                name: "query", version: version, package: path,
                packageLocation: Location(file: "query", row: 1, column: 1),
                imports: [], rules: [], comments: [], isStrict: version == .v1)
        var names: Set<String> = []
        for module in program.modules where !path.isEmpty && module.package == path {
            names.formUnion(module.rules.map(\.name))
        }
        var numbers: [[String]: Int] = [:]
        for (number, set) in program.sets.enumerated() where set.kind != .general { numbers[set.path] = number }
        let compiler = RuleCompiler(
            scope: ModuleScope(module: home, ruleNames: names), program: program, numbers: numbers, isQuery: true)
        guard let compiled = compiler.query(body), compiler.errors.isEmpty else { throw RegoErrors(compiler.errors) }
        return PreparedQuery(program: program, query: compiled, text: query)
    }
}

/// One answer to a query.
package struct QueryResult: Sendable {
    /// What the query's variables are.
    package let bindings: [(name: String, value: Value)]
    /// The value of each line of the query.
    package let expressions: [(value: Value, location: Location)]
}

package final class PreparedQuery: @unchecked Sendable {
    // @unchecked: steps never change once they are made.
    let program: Program
    private let query: CompiledQuery
    package let text: String

    init(program: Program, query: CompiledQuery, text: String) {
        (self.program, self.query, self.text) = (program, query, text)
    }

    /// All answers in order. `input` nil is undefined. Built-in functions that fail are undefined unless `strict`.
    package func results(
        input: Value?, data: Value = .emptyObject, context: BuiltinContext, limits: EvaluationLimits = .standard,
        strict: Bool = false
    ) throws(RegoError) -> [QueryResult] {
        let found = try run(input, data, context, limits, strict)
        let width = query.names.count + query.lines.count
        guard width > 0 else { return [] }
        return stride(from: 0, to: found.count, by: width).map { start in
            QueryResult(
                bindings: query.names.enumerated().map { ($0.element, found[start + $0.offset]) },
                expressions: query.lines.enumerated().map { (found[start + query.names.count + $0.offset], $0.element) }
            )
        }
    }

    /// What the query collects: its variables and the values of its lines, for one answer after the other.
    private func run(
        _ input: Value?, _ data: Value, _ context: BuiltinContext, _ limits: EvaluationLimits, _ strict: Bool
    ) throws(RegoError) -> [Value] {
        try run(
            Machine(program: program, input: input, data: data, context: context, limits: limits, isStrict: strict))
    }

    func machine(
        _ input: Value?, _ data: Value, _ context: BuiltinContext, _ limits: EvaluationLimits, _ steady: SteadyParts
    ) -> Machine {
        Machine(
            program: program, input: input, data: data, context: context, limits: limits, isStrict: false,
            steady: steady)
    }

    func run(_ machine: Machine) throws(RegoError) -> [Value] {
        do {
            return try machine.withFrame(query.frameSize) { try machine.collect(query.step) }
        } catch let error as RegoError {
            throw error
        } catch let error as BuiltinError {
            throw RegoError(error.code == .type ? .evalType : .evalBuiltin, error.message)
        } catch {
            throw RegoError(.evalInternal, "\(error)")
        }
    }

    /// The value of a query that is one reference, such as `data.lib.violation`; nil when it is undefined.
    package func evaluate(
        input: Value?, data: Value = .emptyObject, context: BuiltinContext, limits: EvaluationLimits = .standard,
        strict: Bool = false
    ) throws(RegoError) -> Value? {
        value(try run(input, data, context, limits, strict))
    }

    func value(_ found: [Value]) -> Value? {
        let width = query.names.count + query.lines.count
        return query.lines.isEmpty || found.count < width ? nil : found[width - 1]
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension Module {
    /// Reads a policy. Throws everything that is wrong with it.
    package static func parse(_ source: ModuleSource, version: RegoVersion) throws(RegoErrors) -> Module {
        var parser = Parser(source.text, file: source.name, version: version)
        let module = parser.module()
        guard parser.errors.isEmpty, let module else { throw RegoErrors(parser.errors) }
        return module
    }
}

extension Parser {
    mutating func module() -> Module? {
        guard errors.isEmpty else { return nil }
        var module: Module
        do throws(RegoError) {
            if isAtEnd { throw RegoError(.parse, "empty module", at: Location(file: file, row: 1, column: 1)) }
            module = try packageClause()
        } catch {
            note(error)
            return nil
        }
        var isStrict = version == .v1
        while !isAtEnd {
            let start = at
            do throws(RegoError) {
                if token.isKeyword("import"), !isDotted {
                    let found = try importClause()
                    if found.path == ["rego", "v1"] { isStrict = true }
                    module.imports.append(found)
                } else {
                    module.rules += try rules(strict: isStrict)
                }
            } catch {
                note(error)
                if errors.count >= Parser.maxErrors { break }
                skipToNextRule(from: start)
            }
        }
        let annotations = Annotated(comments: comments, file: file)
        do throws(RegoError) { try annotations.attach(to: &module) } catch { note(error) }
        return Module(
            name: file, version: version, package: module.package, packageLocation: module.packageLocation,
            imports: module.imports, rules: module.rules, comments: comments, annotations: module.annotations,
            isStrict: isStrict)
    }

    /// After an error: on to what begins a line at its first column.
    private mutating func skipToNextRule(from start: Int) {
        if at == start { advance() }
        while !isAtEnd,
            !(token.lineBefore && token.column == 1 && (token.kind == .identifier || token.kind == .keyword))
        {
            advance()
        }
    }

    private mutating func packageClause() throws(RegoError) -> Module {
        guard token.isKeyword("package") else { throw unexpected("package expected") }
        advance()
        let place = here
        guard token.kind == .identifier || token.kind == .keyword, !token.lineBefore else {
            throw unexpected("expected ident")
        }
        let head = Term(.variable(token.text), at: here)
        advance()
        let term = try finish(head, inHead: false)
        guard let path = term.dottedPath else {
            throw RegoError(.parse, "package name contains invalid characters or is no path of strings", at: place)
        }
        if !isAtEnd, !token.lineBefore, !token.isSymbol(";") { throw unexpected("expected newline after package") }
        _ = accept(";")
        return Module(
            name: file, version: version, package: path, packageLocation: place, imports: [], rules: [], comments: [],
            isStrict: false)
    }

    private mutating func importClause() throws(RegoError) -> Import {
        let place = here
        advance()
        guard token.kind == .identifier || token.kind == .keyword else { throw unexpected("expected ident") }
        let head = Term(.variable(token.text), at: here)
        advance()
        let term = try finish(head, inHead: false)
        guard let path = term.dottedPath else {
            throw RegoError(.parse, "unexpected import path, must be a path of strings", at: place)
        }
        guard let root = path.first, ["data", "input", "future", "rego"].contains(root) else {
            throw RegoError(
                .parse,
                "unexpected import path, must begin with one of: {data, future, input, rego}, got: \(path[0])",
                at: place)
        }
        var alias: String?
        if token.isKeyword("as") {
            advance()
            let name = try variable()
            if name.isWildcard { throw RegoError(.parse, "unexpected import alias, must not be _", at: name.location) }
            alias = name.variableName
        }
        _ = accept(";")
        if root == "future" { try future(path, alias: alias, place) }
        if root == "rego" {
            guard path == ["rego", "v1"] else {
                throw RegoError(.parse, "invalid import `\(path.joined(separator: "."))`, must be `rego.v1`", at: place)
            }
            if alias != nil { throw RegoError(.parse, "`rego` imports cannot be aliased", at: place) }
            features = Parser.allFeatures
        }
        return Import(path: path, alias: alias, location: place)
    }

    private mutating func future(_ path: [String], alias: String?, _ place: Location) throws(RegoError) {
        guard path.count >= 2, path[1] == "keywords", path.count <= 3 else {
            throw RegoError(.parse, "invalid import, must be `future.keywords`", at: place)
        }
        if alias != nil { throw RegoError(.parse, "`future` imports cannot be aliased", at: place) }
        if path.count == 2 {
            features = Parser.allFeatures
            return
        }
        let word = path[2]
        guard Parser.allFeatures.contains(word) || word == "not" else {
            throw RegoError(
                .parse, "unexpected keyword, must be one of [contains every if in], got: \(word)", at: place)
        }
        features.insert(word)
        // `every` is written with `in`.
        if word == "every" { features.insert("in") }
    }
}

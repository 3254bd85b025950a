// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Fields that answer under one name must be the same field (section 5.3.2).
extension GraphQLJudge {
    private struct Entry {
        let field: GraphQLSelection
        let parent: GraphQLDefinition?
        let definition: GraphQLField?
    }

    private struct Pair: Hashable {
        let one: ObjectIdentifier
        let two: ObjectIdentifier
        let mayDiffer: Bool
    }

    mutating func merging() throws {
        var compared: Set<Pair> = []
        for operation in query.operations {
            let root = schema.types[schema.roots[operation.kind] ?? ""]
            try merge([(operation.selections, root)], mayDiffer: false, &compared, depth: 0)
        }
    }

    private mutating func entries(
        _ sets: [([GraphQLSelection], GraphQLDefinition?)]
    ) throws -> [(name: String, entries: [Entry])] {
        var order: [String] = []
        var found: [String: [Entry]] = [:]
        var seen: Set<String> = []
        var open = sets
        while !open.isEmpty {
            let (selections, parent) = open.removeFirst()
            for selection in selections {
                try tick()
                switch selection.kind {
                case .field:
                    if found[selection.alias] == nil { order.append(selection.alias) }
                    found[selection.alias, default: []].append(
                        Entry(field: selection, parent: parent, definition: definition(of: selection, in: parent)))
                case .inline:
                    open.append((selection.selections, selection.name.isEmpty ? parent : schema.types[selection.name]))
                case .spread:
                    guard seen.insert(selection.name).inserted, let fragment = fragments[selection.name] else {
                        continue
                    }
                    open.append((fragment.selections, schema.types[fragment.condition]))
                }
            }
        }
        return order.map { ($0, found[$0] ?? []) }
    }

    /// `mayDiffer`: the fields belong to types that no value has both of; only the shapes must agree.
    private mutating func merge(
        _ sets: [([GraphQLSelection], GraphQLDefinition?)], mayDiffer: Bool, _ compared: inout Set<Pair>, depth: Int
    ) throws {
        guard depth <= GraphQLParser.maxDepth else { throw RegoError(.limit, "graphql: the query is nested too deep") }
        for (name, entries) in try entries(sets) {
            if entries.count == 1, let only = entries.first {
                try merge(
                    [(only.field.selections, type(of: only))], mayDiffer: mayDiffer, &compared, depth: depth + 1)
                continue
            }
            for (index, one) in entries.enumerated() {
                for two in entries[(index + 1)...] {
                    try tick()
                    try compare(name, one, two, mayDiffer, &compared, depth)
                }
            }
        }
    }

    private func type(of entry: Entry) -> GraphQLDefinition? { entry.definition.flatMap { schema.types[$0.type.name] } }

    private mutating func compare(
        _ name: String, _ one: Entry, _ two: Entry, _ mayDiffer: Bool, _ compared: inout Set<Pair>, _ depth: Int
    ) throws {
        let isExclusive =
            one.parent?.name != two.parent?.name && one.parent?.kind == .object && two.parent?.kind == .object
        let mayDiffer = mayDiffer || isExclusive
        let pair = Pair(one: ObjectIdentifier(one.field), two: ObjectIdentifier(two.field), mayDiffer: mayDiffer)
        guard compared.insert(pair).inserted else { return }
        func conflict(_ reason: String) -> GraphQLError {
            GraphQLError(
                "Fields \"\(name)\" conflict because \(reason). Use different aliases on the fields to fetch both if this "
                    + "was intentional.", at: two.field.place)
        }
        if !mayDiffer {
            if one.field.name != two.field.name {
                throw conflict("\"\(one.field.name)\" and \"\(two.field.name)\" are different fields")
            }
            if !areSame(one.field.arguments, two.field.arguments) { throw conflict("they have differing arguments") }
        }
        if let first = one.definition?.type, let second = two.definition?.type, differ(first, second) {
            throw conflict("they return conflicting types \"\(first.text)\" and \"\(second.text)\"")
        }
        try merge(
            [(one.field.selections, type(of: one)), (two.field.selections, type(of: two))], mayDiffer: mayDiffer,
            &compared, depth: depth + 1)
    }

    private func areSame(_ one: [GraphQLArgument], _ two: [GraphQLArgument]) -> Bool {
        one.count == two.count
            && one.allSatisfy { argument in
                two.contains { $0.name == argument.name && areSame($0.value, argument.value) }
            }
    }

    private func areSame(_ one: GraphQLValue, _ two: GraphQLValue) -> Bool {
        guard one.kind == two.kind, one.raw == two.raw, one.children.count == two.children.count else { return false }
        return zip(one.children, two.children).allSatisfy { $0.name == $1.name && areSame($0.value, $1.value) }
    }

    /// Whether the shapes of two types cannot both be answered under one name.
    private func differ(_ one: GraphQLType, _ two: GraphQLType) -> Bool {
        if one.isRequired != two.isRequired || (one.element == nil) != (two.element == nil) { return true }
        if let first = one.element, let second = two.element { return differ(first, second) }
        guard let first = schema.types[one.named], let second = schema.types[two.named] else { return false }
        return (!isComposite(first) || !isComposite(second)) && one.named != two.named
    }
}

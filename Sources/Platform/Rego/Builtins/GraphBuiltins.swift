// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BuiltinTable {
    mutating func addGraphs() {
        two("graph.reachable", [.object], [.array, .set]) { graph, start, context in
            let edges = try graph.object(1)
            var waiting = try start.collection(2)
            var seen: Set<Value> = []
            while let node = waiting.popLast() {
                guard let next = edges[node], !seen.contains(node) else { continue }
                try context.spend(MemoryLayout<Value>.stride * 2)
                seen.insert(node)
                waiting += neighbours(next)
            }
            return .set(SetValue(Array(seen)))
        }
        two("graph.reachable_paths", [.object], [.array, .set]) { graph, start, context in
            let edges = try graph.object(1)
            var paths: [Value] = []
            for node in try start.collection(2) {
                guard edges[node] != nil else { continue }
                try extend([node], edges, &paths, context)
            }
            return .set(SetValue(paths))
        }
    }
}

private func neighbours(_ value: Value) -> [Value] { value.elements ?? value.setMembers?.members ?? [] }

/// Follows a path to each of its ends: where nothing leads on, or only back to where it has been.
private func extend(
    _ path: [Value], _ edges: ObjectValue, _ paths: inout [Value], _ context: BuiltinContext
) throws {
    try context.spend(path.count * MemoryLayout<Value>.stride)
    let next = path.last.flatMap { edges[$0] }.map(neighbours) ?? []
    var isEnd = next.isEmpty
    for node in next {
        if path.contains(where: { equal($0, node) }) || edges[node] == nil {
            isEnd = true
        } else {
            try extend(path + [node], edges, &paths, context)
        }
    }
    if isEnd { paths.append(.array(path)) }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import Documents
import PackageVersions

/// CSAF 2.0 and 2.1 of the profile VEX, or any other with `product_status`.
struct CSAFReader {
    private let root: Node
    private let source: String
    /// Names of each product, by its id.
    private var products: [String: [VEXName]] = [:]
    /// Of products that are parts of others: the part's id and the whole's.
    private var parts: [String: (part: String, whole: String)] = [:]
    private var groups: [String: [String]] = [:]

    private static let maxDepth = 64
    private static let maxProducts = 1_000_000

    init(_ root: Node, source: String) throws(ScanError) {
        self.root = root
        self.source = source
        let tree = root["product_tree"]
        for product in tree?["full_product_names"]?.elements.map({ $0 }) ?? [] { try add(product, range: nil) }
        var open: [(branch: Node, range: String?, depth: Int)] = []
        for branch in tree?["branches"]?.elements.map({ $0 }) ?? [] { open.append((branch, nil, 0)) }
        while let (branch, outer, depth) = open.popLast() {
            guard depth < Self.maxDepth else { throw malformed("product_tree has more than \(Self.maxDepth) levels") }
            let isRange = branch["category"]?.string == "product_version_range"
            let range = isRange ? branch["name"]?.string : outer
            if let product = branch["product"] { try add(product, range: range) }
            for inner in branch["branches"]?.elements.map({ $0 }) ?? [] { open.append((inner, range, depth + 1)) }
        }
        for relation in tree?["relationships"]?.elements.map({ $0 }) ?? [] {
            guard let part = relation["product_reference"]?.string,
                let whole = relation["relates_to_product_reference"]?.string,
                let product = relation["full_product_name"], let id = product["product_id"]?.string
            else { throw malformed("product_tree.relationships: an entry names no products") }
            try add(product, range: nil)
            parts[id] = (part, whole)
        }
        for group in tree?["product_groups"]?.elements.map({ $0 }) ?? [] {
            guard let id = group["group_id"]?.string else { continue }
            groups[id] = group["product_ids"]?.elements.compactMap(\.string) ?? []
        }
    }

    private func malformed(_ message: String) -> ScanError { ScanError(.malformed, "\(source): \(message)") }

    private mutating func add(_ product: Node, range text: String?) throws(ScanError) {
        guard let id = product["product_id"]?.string else {
            throw malformed("product_tree: a product has no product_id")
        }
        guard products.count < Self.maxProducts else {
            throw malformed("product_tree has more than \(Self.maxProducts) products")
        }
        var range: VersRange?
        do throws(VersionError) { if let text { range = try VersRange(text) } } catch {
            throw malformed("product_tree, \(id): \(error.message)")
        }
        let helper = product["product_identification_helper"]
        var texts = [helper?["purl"]?.string].compactMap { $0 }
        texts += helper?["purls"]?.elements.compactMap(\.string) ?? []
        var names: [VEXName] = []
        // A range in words that nobody can compute holds for no version.
        if text == nil || range != nil { names = texts.map { VEXName($0, range: range) } }
        if let cpe = helper?["cpe"]?.string { names.append(VEXName(cpe)) }
        if let name = product["name"]?.string, texts.isEmpty { names.append(VEXName(name)) }
        products[id] = names
    }

    private static let states: [(key: String, status: VEXStatement.Status)] = [
        ("known_not_affected", .notAffected), ("fixed", .fixed), ("first_fixed", .fixed),
        ("known_affected", .affected), ("first_affected", .affected), ("last_affected", .affected),
        ("under_investigation", .investigated),
    ]

    func statements() throws(ScanError) -> [VEXStatement] {
        let tracking = root["document"]?["tracking"]
        let time = RecordTime.seconds(
            tracking?["current_release_date"]?.string ?? tracking?["initial_release_date"]?.string ?? "")
        var found: [VEXStatement] = []
        var count = 0
        guard (root["vulnerabilities"]?.count ?? 0) <= VEXDocument.maxStatements else {
            throw malformed("more than \(VEXDocument.maxStatements) vulnerabilities")
        }
        for (index, item) in (root["vulnerabilities"]?.elements.map { $0 } ?? []).enumerated() {
            var names = Set([item["cve"]?.string].compactMap { $0 })
            for id in item["ids"]?.elements.map({ $0 }) ?? [] {
                if let text = id["text"]?.string { names.insert(text) }
            }
            guard !names.isEmpty else { throw malformed("vulnerabilities[\(index)] has neither cve nor ids") }
            let reasons = reasons(item)
            let status = item["product_status"]
            for (key, meaning) in Self.states {
                guard let list = status?[dynamic: key], list.count > 0 else { continue }
                var statement = VEXStatement(status: meaning)
                (statement.names, statement.time) = (names, time)
                for id in list.elements.compactMap(\.string) {
                    count += 1
                    guard count <= VEXDocument.maxNames else {
                        throw malformed("its statements name too many products")
                    }
                    guard var product = product(id) else {
                        throw malformed("vulnerabilities[\(index)].product_status.\(key): there is no product \(id)")
                    }
                    product.reason = reasons[id] ?? ""
                    statement.products.append(product)
                }
                found.append(statement)
            }
        }
        return found
    }

    /// What the document says of products: labels of `flags`, and `threats` of the impact.
    private func reasons(_ item: Node) -> [String: String] {
        var reasons: [String: String] = [:]
        func add(_ node: Node, _ text: String?) {
            guard let text, !text.isEmpty else { return }
            var ids = node["product_ids"]?.elements.compactMap(\.string) ?? []
            for group in node["group_ids"]?.elements.compactMap(\.string) ?? [] { ids += groups[group] ?? [] }
            for id in ids { reasons[id] = reasons[id].map { "\($0): \(text)" } ?? text }
        }
        for flag in item["flags"]?.elements.map({ $0 }) ?? [] { add(flag, flag["label"]?.string) }
        for threat in item["threats"]?.elements.map({ $0 }) ?? [] where threat["category"]?.string == "impact" {
            add(threat, threat["details"]?.string)
        }
        return reasons
    }

    /// A part may be a part itself: an rpm of a module of a distribution.
    private func product(_ id: String) -> VEXStatement.Product? {
        guard let names = products[id] else { return nil }
        guard let (part, whole) = parts[id] else { return VEXStatement.Product(names: names) }
        // The outermost whole is what can be recognised; what lies between is neither an image nor a distribution.
        var outer = whole
        for _ in 0..<8 {
            guard let next = parts[outer] else { break }
            outer = next.whole
        }
        let inner = parts[part]?.part ?? part
        var product = VEXStatement.Product()
        product.names = names.filter { $0.url != nil } + (products[outer] ?? [])
        product.parts = products[inner] ?? []
        // A part that nothing names is not all parts.
        if product.parts.isEmpty { product.names = names.filter { $0.url != nil } }
        return product
    }
}

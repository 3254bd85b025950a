// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import Documents
import Inventory
import PackageVersions

/// The analyses of `vulnerabilities` in CycloneDX: in a bill of materials, or in a document of its own that points into one.
enum CycloneDXStatements {
    /// What a component is called, and for our own bills the file that it was found in.
    private struct Component {
        var names: [String] = []
        var place = ""
    }

    static func read(_ root: Node, source: String) throws(ScanError) -> [VEXStatement] {
        guard let list = root["vulnerabilities"], !list.isNull else { return [] }
        guard list.isArray, list.count <= VEXDocument.maxStatements else {
            throw ScanError(
                .malformed, "\(source): vulnerabilities should be a list of at most \(VEXDocument.maxStatements)")
        }
        let components = components(root)
        let time = RecordTime.seconds(root["metadata"]?["timestamp"]?.string ?? "")
        var found: [VEXStatement] = []
        var names = 0
        for (index, item) in list.elements.enumerated() {
            let place = "\(source): vulnerabilities[\(index)]"
            for var statement in try statements(item, components, place) {
                let analysis = item["analysis"]
                let own = analysis?["lastUpdated"]?.string ?? analysis?["firstIssued"]?.string
                statement.time = own.map(RecordTime.seconds) ?? time
                names += statement.products.count
                guard names <= VEXDocument.maxNames else {
                    throw ScanError(.malformed, "\(source): its statements name too many components")
                }
                found.append(statement)
            }
        }
        return found
    }

    /// What components are called, by the reference that others point to them with.
    private static func components(_ root: Node) -> [String: Component] {
        var found: [String: Component] = [:]
        var open: [Node] = (root["components"]?.elements.map { $0 } ?? []).reversed()
        if let subject = root["metadata"]?["component"] { open.append(subject) }
        while let component = open.popLast() {
            open += component["components"]?.elements.map { $0 } ?? []
            guard let reference = component["bom-ref"]?.string, found.count < 4_000_000 else { continue }
            var texts: [String] = []
            var (path, inner) = ("", "")
            for property in component["properties"]?.elements.map({ $0 }) ?? [] {
                switch property["name"]?.string {
                case "bulwark:path": path = property["value"]?.string ?? ""
                case "bulwark:innerPath": inner = property["value"]?.string ?? ""
                default: break
                }
            }
            if let purl = component["purl"]?.string, !purl.isEmpty {
                texts.append(purl)
            } else if let name = component["name"]?.string {
                // An image: by its name, and by what tells it from others of the same name.
                let version = component["version"]?.string ?? ""
                if version.isEmpty {
                    texts.append(name)
                } else {
                    texts += ["\(name):\(version)", "\(name)@\(version)"]
                    if version.hasPrefix("sha256:") { texts.append(version) }
                }
            }
            if let cpe = component["cpe"]?.string { texts.append(cpe) }
            found[reference] = Component(names: texts, place: inner.isEmpty ? path : "\(path)!/\(inner)")
        }
        return found
    }

    /// States of `analysis.state`.
    private static let states: [String: VEXStatement.Status] = [
        "resolved": .fixed, "resolved_with_pedigree": .fixed, "exploitable": .affected, "in_triage": .investigated,
        "false_positive": .notAffected, "not_affected": .notAffected,
    ]

    private static func statements(
        _ item: Node, _ components: [String: Component], _ place: String
    ) throws(ScanError) -> [VEXStatement] {
        var status: VEXStatement.Status?
        if let word = item["analysis"]?["state"]?.string {
            guard let known = states[word] else {
                throw ScanError(.malformed, "\(place).analysis.state: there is no state \(word.debugDescription)")
            }
            status = known
        }
        var whole = VEXStatement(status: status ?? .affected)
        whole.names = Set([item["id"]?.string].compactMap { $0 })
        for reference in item["references"]?.elements.map({ $0 }) ?? [] {
            if let id = reference["id"]?.string { whole.names.insert(id) }
        }
        whole.names.remove("")
        whole.reason = reason(item["analysis"])
        for property in item["properties"]?.elements.map({ $0 }) ?? [] {
            if property["name"]?.string == BillVulnerability.exceptionName, let by = property["value"]?.string {
                (whole.source, whole.isAcceptance) = (by, true)
            }
        }
        // By what is said of a version alone, where the whole is not said to be otherwise.
        var unaffected = VEXStatement(status: .notAffected)
        (unaffected.names, unaffected.reason, unaffected.source) = (whole.names, whole.reason, whole.source)
        let affects = item["affects"]?.elements.map { $0 } ?? []
        for (index, entry) in affects.enumerated() {
            guard let reference = entry["ref"]?.string else { continue }
            let component = component(reference, components)
            let versions = entry["versions"]?.elements.map { $0 } ?? []
            if versions.isEmpty {
                whole.products.append(.init(names: component.names.map { Self.name($0, component) }))
            }
            for version in versions {
                let product = VEXStatement.Product(
                    names: try self.names(component, version, "\(place).affects[\(index)]"))
                switch version["status"]?.string {
                case "unaffected": unaffected.products.append(product)
                case "unknown": continue
                default: whole.products.append(product)
                }
            }
        }
        var out: [VEXStatement] = []
        guard !whole.names.isEmpty else { return [] }
        // A statement about nothing is none, other than one that names no product at all.
        if status != nil, !whole.products.isEmpty || affects.isEmpty { out.append(whole) }
        if !unaffected.products.isEmpty { out.append(unaffected) }
        return out
    }

    private static func reason(_ analysis: Node?) -> String {
        let words = [analysis?["justification"]?.string, analysis?["detail"]?.string]
        return words.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
    }

    /// Of a reference into the same document, or `urn:cdx:SERIAL/VERSION#REFERENCE` into another.
    private static func component(_ reference: String, _ components: [String: Component]) -> Component {
        if let known = components[reference] { return known }
        guard reference.hasPrefix("urn:cdx:"), let mark = reference.firstIndex(of: "#") else {
            return Component(names: [reference])
        }
        let inner = String(reference[reference.index(after: mark)...])
        let plain = PackageURL.decoded(inner)
        return components[inner] ?? components[plain] ?? Component(names: [inner, plain])
    }

    private static func name(_ text: String, _ component: Component) -> VEXName {
        var name = VEXName(text)
        name.place = component.place
        return name
    }

    private static func names(
        _ component: Component, _ version: Node, _ place: String
    ) throws(ScanError) -> [VEXName] {
        var found: [VEXName] = []
        let range: VersRange?
        do throws(VersionError) { range = try version["range"]?.string.flatMap(Self.range) } catch {
            throw ScanError(.malformed, "\(place).versions: \(error.message)")
        }
        for name in component.names {
            guard var url = PackageURL(name) else {
                if range == nil { found.append(Self.name(name, component)) }
                continue
            }
            if let range {
                url.version = ""
                found.append(VEXName(url.description, range: range))
            } else if let text = version["version"]?.string {
                url.version = text
                url.qualifiers["epoch"] = nil
                found.append(Self.name(url.description, component))
            }
        }
        return found
    }

    private static func range(_ text: String) throws(VersionError) -> VersRange? { try VersRange(text) }
}

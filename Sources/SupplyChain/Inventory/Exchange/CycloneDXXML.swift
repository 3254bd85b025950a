// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// CycloneDX in XML, brought into the shape that it has in JSON, so that one reader serves both.
enum CycloneDXXML {
    private final class Element {
        let name: String
        let attributes: [String: String]
        var text = ""
        var children: [Element] = []

        init(_ name: String, _ attributes: [String: String]) { (self.name, self.attributes) = (name, attributes) }
    }

    private static let maxElements = 20_000_000
    /// Elements whose children are the elements of an array.
    private static let lists: Set<String> = [
        "components", "hashes", "licenses", "properties", "vulnerabilities", "ratings", "references", "advisories",
        "versions", "responses",
    ]

    static func json(_ file: InventoryFile) throws(InventoryError) -> [UInt8] {
        let root = try tree(file)
        guard root.name == "bom" else { throw file.malformed("expected <bom> of CycloneDX") }
        var out: [UInt8] = []
        do {
            var json = JSONWriter { out += $0 }
            try json.object { json in
                try json.text("bomFormat", "CycloneDX")
                try members(root, &json)
            }
            try json.finish()
        } catch {
            throw file.malformed("\(error)")
        }
        return out
    }

    private static func tree(_ file: InventoryFile) throws(InventoryError) -> Element {
        let result = file.bytes.withUnsafeBufferPointer { text -> Result<Element?, XMLScanner.Failure> in
            do throws(XMLScanner.Failure) {
                var scanner = XMLScanner(text)
                let top = Element("", [:])
                var open = [top]
                var count = 0
                while count < maxElements, let event = try scanner.next() {
                    switch event {
                    case .open(let name, let attributes):
                        count += 1
                        let element = Element(name, attributes)
                        open[open.count - 1].children.append(element)
                        open.append(element)
                    case .close: if open.count > 1 { open.removeLast() }
                    case .text(let text): open[open.count - 1].text += text
                    }
                }
                return .success(count < maxElements ? top.children.first : nil)
            } catch { return .failure(error) }
        }
        switch result {
        case .success(let root?): return root
        case .success(nil): throw file.malformed("no document, or more than \(maxElements) elements")
        case .failure(let error): throw file.malformed("line \(error.line): \(error.message)")
        }
    }

    private static func members(_ element: Element, _ json: inout JSONWriter) throws {
        for (key, value) in element.attributes.sorted(by: { $0.key < $1.key }) { try json.text(key, value) }
        var written = Set(element.attributes.keys)
        for child in element.children where written.insert(child.name).inserted {
            if lists.contains(child.name) {
                try json.array(child.name) { json in
                    for item in child.children { try json.object { try entry(item, in: child.name, &$0) } }
                }
            } else if child.name == "affects" {
                // <affects><target><ref>…</ref></target></affects>
                try json.array("affects") { json in
                    for item in child.children { try json.object { try members(item, &$0) } }
                }
            } else if child.children.isEmpty, child.attributes.isEmpty {
                try json.text(child.name, child.text.trimmedText)
            } else {
                try json.object(child.name) { try members(child, &$0) }
            }
        }
    }

    private static func entry(_ item: Element, in list: String, _ json: inout JSONWriter) throws {
        switch list {
        case "hashes":
            try json.text("alg", item.attributes["alg"] ?? "")
            try json.text("content", item.text.trimmedText)
        case "properties":
            try json.text("name", item.attributes["name"] ?? "")
            try json.text("value", item.text.trimmedText)
        case "licenses":
            if item.name == "expression" {
                try json.text("expression", item.text.trimmedText)
            } else {
                try json.object("license") { try members(item, &$0) }
            }
        default: try members(item, &json)
        }
    }
}

extension CycloneDX {
    /// CycloneDX in XML as the JSON that says the same.
    /// - Throws: `malformed` for what is no CycloneDX in XML.
    package static func json(ofXML bytes: [UInt8], source: String) throws(InventoryError) -> [UInt8] {
        try CycloneDXXML.json(InventoryFile(path: source, bytes: bytes))
    }
}

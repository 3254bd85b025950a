// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Reads fields of a JSON text of bounded size; a field of the wrong kind is an error that names it, null is absent.
struct JSONFields {
    let name: String
    let root: Node

    init(_ bytes: [UInt8], name: String, limit: Int = Manifest.maxBytes) throws(OCIError) {
        self.name = name.plain()
        guard bytes.count <= limit else {
            throw OCIError(.tooLarge, "\(name.plain()) has \(bytes.count) bytes; at most \(limit) are read")
        }
        do throws(DocumentError) {
            let limits = DocumentLimits(maxBytes: limit, maxDepth: 64, maxNodes: 500_000)
            root = try JSONReader.read(bytes, source: name.plain(), limits: limits).root
        } catch { throw OCIError(.malformed, "\(name.plain()) is no JSON that can be used", cause: error) }
        guard root.isObject || root.isArray else { throw OCIError(.malformed, "\(name.plain()) is no JSON object") }
    }

    func wrong(_ why: String) -> OCIError { OCIError(.malformed, "\(name): \(why)") }

    func text(_ node: Node, _ key: StaticString) throws(OCIError) -> String {
        guard let field = node[key], !field.isNull else { return "" }
        guard let text = field.string else { throw wrong("\(key) is no string") }
        return text
    }

    /// Strings of an array.
    func texts(_ node: Node, _ key: StaticString) throws(OCIError) -> [String] {
        guard let field = node[key], !field.isNull else { return [] }
        guard field.isArray else { throw wrong("\(key) is no array") }
        var texts: [String] = []
        for element in field.elements {
            guard element.isNull || element.string != nil else {
                throw wrong("\(key) has an element that is no string")
            }
            texts.append(element.string ?? "")
        }
        return texts
    }

    /// Keys of an object whose values say nothing.
    func keys(_ node: Node, _ key: StaticString) throws(OCIError) -> [String] {
        guard let field = node[key], !field.isNull else { return [] }
        guard field.isObject else { throw wrong("\(key) is no object") }
        return field.members.map(\.key.string)
    }

    /// An object whose values are strings.
    func labels(_ node: Node, _ key: StaticString) throws(OCIError) -> [String: String] {
        guard let field = node[key], !field.isNull else { return [:] }
        guard field.isObject else { throw wrong("\(key) is no object") }
        var labels: [String: String] = [:]
        for (name, value) in field.members {
            guard value.isNull || value.string != nil else { throw wrong("\(key) has a value that is no string") }
            labels[name.string] = value.string ?? ""
        }
        return labels
    }

    func descriptor(_ node: Node, _ place: String) throws(OCIError) -> Descriptor {
        guard node.isObject else { throw wrong("\(place) is no object") }
        guard let size = node["size"]?.int, size >= 0 else { throw wrong("\(place) has no size") }
        let digest: Digest
        do throws(OCIError) { digest = try Digest(try text(node, "digest")) } catch {
            throw OCIError(error.code, "\(name): \(place): \(error.message)")
        }
        var descriptor = Descriptor(mediaType: try text(node, "mediaType"), digest: digest, size: Int64(size))
        descriptor.annotations = try labels(node, "annotations")
        if let platform = node["platform"], !platform.isNull {
            guard platform.isObject else { throw wrong("\(place) has a platform that is no object") }
            descriptor.platform = ImagePlatform(
                os: try text(platform, "os"), architecture: try text(platform, "architecture"),
                variant: try text(platform, "variant"))
        }
        return descriptor
    }

    func descriptors(_ array: Node?, _ place: String) throws(OCIError) -> [Descriptor] {
        guard let array else { return [] }
        guard array.isArray else { throw wrong("\(place) is no array") }
        guard array.count <= Manifest.maxEntries else {
            throw OCIError(
                .tooLarge, "\(name): \(place) has \(array.count) entries; at most \(Manifest.maxEntries) are read")
        }
        var descriptors: [Descriptor] = []
        for (index, element) in array.elements.enumerated() {
            descriptors.append(try descriptor(element, "\(place)[\(index)]"))
        }
        return descriptors
    }
}

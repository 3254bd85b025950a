// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import NIOCore

/// Reads what an API server sends to a webhook: an AdmissionReview of admission.k8s.io/v1.
package enum ReviewReader {
    /// An API server takes objects up to 1.5 MiB, and an update holds the old one too.
    package static let maxBytes = 3 << 20
    /// A uid is echoed; an API server's has 36 characters.
    package static let maxUID = 128
    private static let limits = DocumentLimits(maxBytes: maxBytes, maxDepth: 1000, maxNodes: 1_000_000)

    /// - Throws: `malformed` or `tooLarge`, with what was expected and where.
    package static func read(_ bytes: UnsafeRawBufferPointer) throws(AdmissionError) -> AdmissionRequest {
        let document: Document
        do throws(DocumentError) {
            // A review is written by an API server, which repeats no key. Whoever repeats one hides something.
            document = try JSONReader.read(bytes, source: "request body", limits: limits, duplicateKeys: .error)
        } catch {
            throw AdmissionError(error.code == .tooLarge ? .tooLarge : .malformed, "\(error)")
        }
        return try request(document.root)
    }

    package static func read(_ buffer: ByteBuffer) throws(AdmissionError) -> AdmissionRequest {
        let result = buffer.withUnsafeReadableBytes { bytes in
            Result { () throws(AdmissionError) -> AdmissionRequest in try read(bytes) }
        }
        return try result.get()
    }

    /// The request inside a review.
    package static func request(_ review: Node) throws(AdmissionError) -> AdmissionRequest {
        guard review.isObject else { throw malformed("expected an AdmissionReview object") }
        guard review["kind"]?.equals("AdmissionReview") == true else {
            throw malformed("kind is \(shown(review["kind"])), expected AdmissionReview")
        }
        guard review["apiVersion"]?.equals("admission.k8s.io/v1") == true else {
            throw malformed("apiVersion is \(shown(review["apiVersion"])), expected admission.k8s.io/v1")
        }
        guard let fields = review["request"], fields.isObject else { throw malformed("request is missing") }
        let uid = try text(fields["uid"], "request.uid")
        guard !uid.isEmpty else { throw malformed("request.uid is missing") }
        guard uid.utf8.count <= maxUID, uid.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw malformed("request.uid is longer than \(maxUID) bytes or not printable")
        }
        guard let operation = AdmissionRequest.Operation(rawValue: try text(fields["operation"], "request.operation"))
        else {
            throw malformed(
                "request.operation is \(shown(fields["operation"])), expected CREATE, UPDATE, DELETE or CONNECT")
        }
        let user = fields["userInfo"]
        guard user == nil || user?.isObject == true else { throw malformed("request.userInfo is no object") }
        let object = try object(fields["object"], "request.object")
        guard object != nil || (operation != .create && operation != .update) else {
            throw malformed("request.object is missing for \(operation.rawValue)")
        }
        return AdmissionRequest(
            uid: uid, operation: operation, kind: try name(fields["kind"], "kind", "request.kind"),
            resource: try name(fields["resource"], "resource", "request.resource"),
            subresource: try text(fields["subResource"], "request.subResource"),
            namespace: try text(fields["namespace"], "request.namespace"),
            name: try text(fields["name"], "request.name"),
            user: try text(user?["username"], "request.userInfo.username"), groups: try groups(user?["groups"]),
            userInfo: user, options: try self.object(fields["options"], "request.options"),
            dryRun: try bool(fields["dryRun"], "request.dryRun"), object: object,
            oldObject: try self.object(fields["oldObject"], "request.oldObject"))
    }

    private static func malformed(_ message: String) -> AdmissionError { AdmissionError(.malformed, message) }

    private static func text(_ node: Node?, _ path: StaticString) throws(AdmissionError) -> String {
        guard let node, !node.isNull else { return "" }
        guard let text = node.string else { throw malformed("\(path) is no string") }
        return text
    }

    private static func bool(_ node: Node?, _ path: StaticString) throws(AdmissionError) -> Bool {
        guard let node, !node.isNull else { return false }
        guard let value = node.bool else { throw malformed("\(path) is no boolean") }
        return value
    }

    private static func object(_ node: Node?, _ path: StaticString) throws(AdmissionError) -> Node? {
        guard let node, !node.isNull else { return nil }
        guard node.isObject else { throw malformed("\(path) is no object") }
        return node
    }

    private static func name(
        _ node: Node?, _ key: StaticString, _ path: StaticString
    ) throws(AdmissionError) -> GroupVersionName {
        guard let node, node.isObject else { throw malformed("\(path) is missing") }
        let name = GroupVersionName(
            group: try text(node["group"], path), version: try text(node["version"], path),
            name: try text(node[key], path))
        guard !name.version.isEmpty, !name.name.isEmpty else { throw malformed("\(path) has no version or no \(key)") }
        return name
    }

    private static func groups(_ node: Node?) throws(AdmissionError) -> [String] {
        guard let node, !node.isNull else { return [] }
        guard node.isArray else { throw malformed("request.userInfo.groups is no array") }
        var groups: [String] = []
        groups.reserveCapacity(node.count)
        for element in node.elements { groups.append(try text(element, "request.userInfo.groups")) }
        return groups
    }

    /// What stands there, for a message: never longer than a line.
    private static func shown(_ node: Node?) -> String { node?.json(limit: 60) ?? "missing" }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Requests and limits.
enum Resources {
    static func cpuRequest(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        try request(container, "cpu", "CPU")
    }

    static func memoryRequest(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        try request(container, "memory", "memory")
    }

    private static func request(
        _ container: Container, _ resource: StaticString, _ name: String
    ) throws(UnreadableField) -> Verdict {
        // Ephemeral containers may not have resources at all.
        if container.role == .ephemeral { return .notApplicable }
        let resources = try container.node.object("resources")
        func has(_ key: StaticString) throws(UnreadableField) -> Bool {
            let list: Node?
            do throws(UnreadableField) {
                list = try resources?.object(key)
            } catch {
                throw UnreadableField(message: error.message, path: "resources.\(error.path)")
            }
            guard let value = list?[resource], !value.isNull else { return false }
            guard value.isQuantity else {
                throw UnreadableField(
                    message: "\(key).\(resource) should be a quantity, not \(value.described)",
                    path: "resources.\(key).\(resource)")
            }
            return true
        }
        if try has("requests") { return .pass }
        let path = FieldPath.relative("resources.requests.\(resource)")
        // Kubernetes takes a missing request over from the limit.
        if try has("limits") {
            return .warn("The container has no \(name) request, so the whole of its limit is set aside for it.", path)
        }
        return .fail("The container has no \(name) request.", path)
    }

    static func ephemeralStorage(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        // Ephemeral containers may not have resources at all.
        if container.role == .ephemeral { return .notApplicable }
        let resources = try container.node.object("resources")
        for key: StaticString in ["limits", "requests"] {
            let list = try resources?.object(key)
            if list?["ephemeral-storage"].map({ !$0.isNull }) != true {
                return .fail(
                    "The container has no ephemeral-storage \(key == "limits" ? "limit" : "request").",
                    .relative("resources.\(key).ephemeral-storage"))
            }
        }
        return .pass
    }
}

extension StaticString {
    static func == (left: StaticString, right: StaticString) -> Bool {
        left.withUTF8Buffer { left in right.withUTF8Buffer { right in left.elementsEqual(right) } }
    }
}

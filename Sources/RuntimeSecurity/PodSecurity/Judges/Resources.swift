// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Requests and limits.
enum Resources {
    static func cpuRequest(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        try request(
            container, "cpu", "resources.requests.cpu", missing: "The container has no CPU request.",
            limited: "The container has no CPU request, so the whole of its limit is set aside for it.")
    }

    static func memoryRequest(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        try request(
            container, "memory", "resources.requests.memory", missing: "The container has no memory request.",
            limited: "The container has no memory request, so the whole of its limit is set aside for it.")
    }

    private static func request(
        _ container: Container, _ resource: StaticString, _ path: String, missing: String, limited: String
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
        // Kubernetes takes a missing request over from the limit.
        if try has("limits") { return .warn(limited, .relative(path)) }
        return .fail(missing, .relative(path))
    }

    static func ephemeralStorage(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        // Ephemeral containers may not have resources at all.
        if container.role == .ephemeral { return .notApplicable }
        let resources = try container.node.object("resources")
        func has(_ key: StaticString) throws(UnreadableField) -> Bool {
            guard let value = try resources?.object(key)?["ephemeral-storage"] else { return false }
            return !value.isNull
        }
        if try !has("limits") {
            return .fail(
                "The container has no ephemeral-storage limit.", .relative("resources.limits.ephemeral-storage"))
        }
        if try !has("requests") {
            return .fail(
                "The container has no ephemeral-storage request.", .relative("resources.requests.ephemeral-storage"))
        }
        return .pass
    }
}

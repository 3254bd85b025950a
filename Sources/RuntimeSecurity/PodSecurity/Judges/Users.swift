// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Who a container runs as. A container's own setting goes before the pod's.
enum Users {
    /// Ids below this one are likely to exist on the node as well.
    private static let firstHighID = 10_000

    static func mayRunAsRoot(_ container: Container, _ target: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        if let (value, isOwn) = container.inherited("runAsNonRoot") {
            guard let flag = value.bool else { throw wrong("runAsNonRoot", "true or false", value) }
            if flag { return .pass }
            // What the pod forbids the container may allow itself only with a user of its own.
            if isOwn, try container.podSecurity?.bool("runAsNonRoot") == true,
                container.security?["runAsUser"]?.isNull != false
            {
                return .fail(
                    "The container lifts the pod's runAsNonRoot.", .relative("securityContext.runAsNonRoot"), value)
            }
            if let user = try userID(container), user > 0 { return .pass }
            return .fail(
                "The container may run as root: runAsNonRoot is false.",
                container.inheritedPath("runAsNonRoot", isOwn: isOwn), value)
        }
        if let user = try userID(container), user > 0 { return .pass }
        return .fail(
            "The container may run as root: runAsNonRoot is not set.", .relative("securityContext.runAsNonRoot"))
    }

    static func runsAsUserZero(
        _ container: Container, _ target: Target, _: InspectionContext
    ) throws(UnreadableField) -> Verdict {
        guard let (value, isOwn) = container.inherited("runAsUser") else { return .pass }
        guard let user = value.int else { throw wrong("runAsUser", "a whole number", value) }
        if user != 0 { return .pass }
        return .fail("The container runs as user 0.", container.inheritedPath("runAsUser", isOwn: isOwn), value)
    }

    static func lowUser(_ container: Container, _ target: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        try low(
            container, target, "runAsUser", "user", unset: "The container's user id is not set.",
            "securityContext.runAsUser")
    }

    static func lowGroup(_ container: Container, _ target: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        try low(
            container, target, "runAsGroup", "group", unset: "The container's group id is not set.",
            "securityContext.runAsGroup")
    }

    private static func low(
        _ container: Container, _ target: Target, _ key: StaticString, _ what: String, unset: String, _ path: String
    ) throws(UnreadableField) -> Verdict {
        // In a user namespace of its own the container's ids are not the node's.
        if try target.podSpec?.bool("hostUsers") == false { return .pass }
        guard let (value, isOwn) = container.inherited(key) else {
            return .fail(unset, .relative(path))
        }
        guard let id = value.int else { throw wrong(key, "a whole number", value) }
        if id >= firstHighID { return .pass }
        return .fail(
            "The container's \(what) id \(id) may be one of the node's own.",
            isOwn ? .relative(path) : .pod(path), value)
    }

    private static func userID(_ container: Container) throws(UnreadableField) -> Int? {
        guard let (value, _) = container.inherited("runAsUser") else { return nil }
        guard let user = value.int else { throw wrong("runAsUser", "a whole number", value) }
        return user
    }

    private static func wrong(_ key: StaticString, _ expected: String, _ value: Node) -> UnreadableField {
        UnreadableField(
            message: "\(key) should be \(expected), not \(value.described)", path: "securityContext.\(key)")
    }
}

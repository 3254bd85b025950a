// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Linux capabilities: names are compared without case and without the `CAP_` prefix, as container runtimes do.
enum Capabilities {
    /// What Pod Security Standards (baseline) let a container add: the runtimes' own default set.
    private static let safe: Set<String> = [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ]
    /// Any of these alone is a way to the node.
    private static let dangerous: Set<String> = [
        "ALL", "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "DAC_READ_SEARCH", "BPF", "PERFMON",
        "SYS_TIME", "MAC_ADMIN", "MAC_OVERRIDE", "SYSLOG", "CHECKPOINT_RESTORE",
    ]
    /// The default set of a container runtime: dropping each of them is as good as dropping ALL.
    private static let defaults: Set<String> = safe.union(["NET_RAW"])

    static func addedOutsideSafeSet(
        _ container: Container, _: Target, _: InspectionContext
    ) throws(UnreadableField) -> Verdict {
        try added(container) { !safe.contains($0) }
    }

    static func dangerousAdded(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        try added(container) { dangerous.contains($0) }
    }

    static func sysModuleAdded(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        try added(container) { $0 == "SYS_MODULE" || $0 == "ALL" }
    }

    static func netRawKept(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        let (added, dropped) = try lists(container)
        if let index = added.firstIndex(where: { $0 == "NET_RAW" || $0 == "ALL" }) {
            return .fail(
                "The container adds \(added[index]), so it can forge packets.", addPath(index),
                node(container, "add", index))
        }
        if dropped.contains("ALL") || dropped.contains("NET_RAW") { return .pass }
        return .fail("The container keeps NET_RAW: neither it nor ALL is dropped.", dropPath, list(container, "drop"))
    }

    static func allKept(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        let (_, dropped) = try lists(container)
        if dropped.contains("ALL") { return .pass }
        return .fail("The container does not drop ALL capabilities.", dropPath, list(container, "drop"))
    }

    static func nothingDropped(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        let (_, dropped) = try lists(container)
        return dropped.isEmpty ? .fail("The container drops no capability.", dropPath) : .pass
    }

    /// Whether the container drops something and does not add ALL back.
    static func isReduced(_ container: Container) throws(UnreadableField) -> Bool {
        let (added, dropped) = try lists(container)
        return !dropped.isEmpty && !added.contains("ALL")
    }

    /// Whether the whole default set is given up.
    static func dropsDefaults(_ container: Container) throws(UnreadableField) -> Bool {
        let (_, dropped) = try lists(container)
        return dropped.contains("ALL") || defaults.isSubset(of: dropped)
    }

    private static func added(
        _ container: Container, _ isBad: (String) -> Bool
    ) throws(UnreadableField) -> Verdict {
        let (added, _) = try lists(container)
        guard !added.isEmpty, let index = added.firstIndex(where: isBad) else { return .pass }
        return .fail(
            "The container adds the capability \(added[index]).", addPath(index), node(container, "add", index))
    }

    private static let dropPath: FieldPath = "securityContext.capabilities.drop"

    private static func addPath(_ index: Int) -> FieldPath { .relative("securityContext.capabilities.add[\(index)]") }

    private static func list(_ container: Container, _ key: StaticString) -> Node? {
        container.security?["capabilities"]?[key]
    }

    private static func node(_ container: Container, _ key: StaticString, _ index: Int) -> Node? {
        list(container, key)?[index]
    }

    private static func lists(_ container: Container) throws(UnreadableField) -> (added: [String], dropped: [String]) {
        let lists = try container.capabilities.get()
        return (lists.added, lists.dropped)
    }

    /// What a security context adds and drops, in upper case and without the prefix.
    final class Lists {
        private(set) var added: [String] = []
        private(set) var dropped: [String] = []

        init(_ security: Node?) throws(UnreadableField) {
            guard let security else { return }
            do throws(UnreadableField) {
                guard let capabilities = try security.object("capabilities") else { return }
                (added, dropped) = (try names(capabilities, "add"), try names(capabilities, "drop"))
            } catch {
                throw UnreadableField(message: error.message, path: "securityContext.\(error.path)")
            }
        }
    }

    private static func names(_ capabilities: Node, _ key: StaticString) throws(UnreadableField) -> [String] {
        do throws(UnreadableField) {
            return try capabilities.strings(key).map { name in
                let upper = name.uppercased()
                return upper.hasPrefix("CAP_") ? String(upper.dropFirst(4)) : upper
            }
        } catch {
            throw UnreadableField(message: error.message, path: "capabilities.\(error.path)")
        }
    }
}

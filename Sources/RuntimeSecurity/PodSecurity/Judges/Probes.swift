// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Probes and lifecycle hooks.
enum Probes {
    private static let probeKeys: [StaticString] = ["livenessProbe", "readinessProbe", "startupProbe"]

    /// A probe is sent by the node, so a host of its own makes the node call places that the pod cannot reach.
    static func otherHost(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        func other(_ handler: Node?, _ path: String) throws(UnreadableField) -> Verdict? {
            guard let handler else { return nil }
            for key: StaticString in ["httpGet", "tcpSocket"] {
                guard let action = try handler.object(key), let host = try action.text("host"), !host.isEmptyText
                else { continue }
                return .fail("A probe or hook names a host to call.", .relative("\(path).\(key).host"), host)
            }
            return nil
        }
        // All of them are read before one is judged: what cannot be read comes first.
        let node = container.node
        let (liveness, readiness) = (try node.object("livenessProbe"), try node.object("readinessProbe"))
        let (startup, lifecycle) = (try node.object("startupProbe"), try node.object("lifecycle"))
        let (postStart, preStop) = (try lifecycle?.object("postStart"), try lifecycle?.object("preStop"))
        if let found = try other(liveness, "livenessProbe") { return found }
        if let found = try other(readiness, "readinessProbe") { return found }
        if let found = try other(startup, "startupProbe") { return found }
        if let found = try other(postStart, "lifecycle.postStart") { return found }
        if let found = try other(preStop, "lifecycle.preStop") { return found }
        return .pass
    }

    static func notLive(_ container: Container, _ target: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        guard container.isLongRunning else { return .notApplicable }
        if try container.node.object("livenessProbe") != nil { return .pass }
        guard target.kind == .job || target.kind == .cronJob else {
            return .fail("Nothing tells when the container hangs.", "livenessProbe")
        }
        // A run ends by itself, or by its deadline.
        let spec = target.object["spec"]
        let job = target.kind == .job ? spec : spec?["jobTemplate"]?["spec"]
        for holder in [job, target.podSpec] where try holder?.int("activeDeadlineSeconds") != nil {
            return .notApplicable
        }
        return .warn("Nothing ends a run that hangs: there is no probe and no activeDeadlineSeconds.", "livenessProbe")
    }

    /// The form of a service name (RFC 6335), which is all that Kubernetes takes.
    private static func isPortName(_ name: String) -> Bool {
        (1...15).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte)
                    || byte == 0x2D
            }
    }

    static func unknownPort(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField) -> Verdict
    {
        guard container.isLongRunning else { return .notApplicable }
        let ports = try container.node.array("ports")
        func declares(_ number: Int) -> Bool {
            ports?.elements.contains { $0["containerPort"]?.int == number } ?? false
        }
        for key in probeKeys {
            guard let probe = try container.node.object(key) else { continue }
            for action: StaticString in ["httpGet", "tcpSocket", "grpc"] {
                guard let handler = try probe.object(action) else { continue }
                _ = try handler.string("path")
                guard let port = handler["port"], !port.isNull else { continue }
                let isKnown: Bool
                if let number = port.int {
                    isKnown = declares(number)
                } else if let name = port.string, isPortName(name) {
                    isKnown =
                        ports?.elements.contains { $0["name"]?.string == name } == true
                        || Int(name).map(declares) == true
                } else {
                    throw UnreadableField(message: "port should be a number or a name", path: "\(key).\(action).port")
                }
                if !isKnown {
                    return .fail(
                        "The probe asks a port that the container does not declare.",
                        .relative("\(key).\(action).port"), at: port)
                }
            }
        }
        if let liveness = container.node["livenessProbe"], let readiness = container.node["readinessProbe"],
            liveness.kind == .object, liveness.hasSameContent(as: readiness)
        {
            return .fail(
                "Liveness and readiness are the same probe: a pod that is only busy gets killed.", "livenessProbe")
        }
        return .pass
    }
}

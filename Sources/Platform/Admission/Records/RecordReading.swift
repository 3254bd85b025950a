// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// Reads what `AdmissionRecord.json` and `AdmissionDecision.json` wrote. Nil for anything else: members of a wrong type,
/// unknown words, numbers out of range.
package enum RecordReading {
    private static let limits = DocumentLimits(maxBytes: 4 << 20, maxDepth: 8, maxNodes: 20_000)

    package static func record(_ line: UnsafeRawBufferPointer) -> AdmissionRecord? {
        guard let root = try? JSONReader.read(line, source: "record", limits: limits).root else { return nil }
        if let node = root["decision"] { return decision(node).map { .decision($0) } }
        if let node = root["tally"] { return tally(node).map { .tally($0) } }
        guard let node = root["clean"], let workload = subject(node), let time = node["time"]?.int else { return nil }
        // Only what admission itself says of workloads, whatever a sender writes.
        guard workload.group == AdmissionDecision.group else { return nil }
        return .clean(workload: workload, time: Int64(time))
    }

    package static func decision(json text: String) -> AdmissionDecision? {
        var text = text
        return text.withUTF8 { bytes in
            (try? JSONReader.read(UnsafeRawBufferPointer(bytes), source: "record", limits: limits).root)
                .flatMap(decision)
        }
    }

    private static func decision(_ node: Node) -> AdmissionDecision? {
        guard let action = (node["action"]?.string).flatMap(AdmissionDecision.Action.init(rawValue:)),
            let time = node["time"]?.int, time >= 0, let allowed = node["allowed"]?.bool, let subject = subject(node)
        else { return nil }
        var reasons: [AdmissionDecision.Reason] = []
        if let list = node["reasons"] {
            guard list.isArray, list.count <= AdmissionDecision.maxReasons else { return nil }
            for element in list.elements {
                guard element.isObject else { return nil }
                reasons.append(
                    AdmissionDecision.Reason(
                        policy: text(element["policy"]), container: text(element["container"]),
                        path: text(element["path"]), value: text(element["value"]), message: text(element["message"]),
                        remedy: text(element["remedy"])))
            }
        }
        return AdmissionDecision(
            uid: text(node["uid"]), time: Int64(time), reviewer: text(node["reviewer"]), action: action,
            allowed: allowed, operation: text(node["operation"]), subject: subject, workload: text(node["workload"]),
            user: text(node["user"]), serviceAccount: text(node["serviceAccount"]), policy: text(node["policy"]),
            reasons: reasons, dryRun: node["dryRun"]?.bool ?? false, changed: node["changed"]?.bool ?? false,
            microseconds: node["microseconds"]?.int ?? 0)
    }

    private static func tally(_ node: Node) -> AdmissionTally? {
        let counts = 0...1_000_000_000
        guard let action = (node["action"]?.string).flatMap(AdmissionDecision.Action.init(rawValue:)),
            let minute = node["minute"]?.int, minute >= 0, minute % 60 == 0, let count = node["count"]?.int,
            counts.contains(count), let changed = node["changed"]?.int, counts.contains(changed),
            let microseconds = node["microseconds"]?.int, (0...1_000_000_000_000_000).contains(microseconds)
        else { return nil }
        return AdmissionTally(
            minute: Int64(minute), policy: text(node["policy"]), action: action, count: count, changed: changed,
            microseconds: microseconds)
    }

    private static func subject(_ node: Node) -> Subject? {
        guard node.isObject else { return nil }
        return Subject(
            cluster: text(node["cluster"]), apiVersion: text(node["apiVersion"]), kind: text(node["kind"]),
            namespace: text(node["namespace"]), name: text(node["name"]))
    }

    private static func text(_ node: Node?) -> String { node?.string ?? "" }
}

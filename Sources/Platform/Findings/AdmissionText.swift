// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The JSON text of what admission leaves behind: one object, without line ends. Empty texts and false are left out,
/// but for `allowed`. `docs/policies/decisions.md` lists the members.
extension AdmissionRecord {
    /// `{"decision":{…}}`, `{"tally":{…}}` or `{"clean":{…}}`
    package var json: [UInt8] {
        var text = RecordText()
        text.open()
        switch self {
        case .decision(let decision):
            text.key("decision")
            decision.write(to: &text)
        case .tally(let tally):
            text.key("tally")
            text.open()
            text.add("minute", tally.minute)
            text.add("policy", tally.policy)
            text.add("action", tally.action.rawValue)
            text.add("count", Int64(tally.count))
            text.add("changed", Int64(tally.changed))
            text.add("microseconds", Int64(tally.microseconds))
            text.close()
        case .clean(let workload, let time):
            text.key("clean")
            text.open()
            text.add("time", time)
            workload.write(to: &text)
            text.close()
        }
        text.close()
        return text.bytes
    }
}

extension AdmissionDecision {
    package var json: [UInt8] {
        var text = RecordText()
        write(to: &text)
        return text.bytes
    }

    /// `"user":"alice"` as it stands in the JSON text: what to look for to find the decisions with that member.
    package static func fragment(_ name: StaticString, _ value: String) -> String {
        var text = RecordText()
        text.add(name, value)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    fileprivate func write(to text: inout RecordText) {
        text.open()
        text.add("uid", uid)
        text.add("time", time)
        text.add("reviewer", reviewer)
        text.add("action", action.rawValue)
        text.add("allowed", allowed)
        text.add("operation", operation)
        subject.write(to: &text)
        text.add("workload", workload)
        text.add("user", user)
        text.add("serviceAccount", serviceAccount)
        text.add("policy", policy)
        if dryRun { text.add("dryRun", true) }
        if changed { text.add("changed", true) }
        text.add("microseconds", Int64(microseconds))
        if !reasons.isEmpty {
            text.key("reasons")
            text.openList()
            for reason in reasons {
                text.open()
                text.add("policy", reason.policy)
                text.add("container", reason.container)
                text.add("path", reason.path)
                text.add("value", reason.value)
                text.add("message", reason.message)
                text.add("remedy", reason.remedy)
                text.close()
            }
            text.closeList()
        }
        text.close()
    }
}

extension Subject {
    fileprivate func write(to text: inout RecordText) {
        text.add("cluster", cluster)
        text.add("apiVersion", apiVersion)
        text.add("kind", kind)
        text.add("namespace", namespace)
        text.add("name", name)
    }
}

/// Writes JSON member by member.
private struct RecordText {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    mutating func open() { begin(UInt8(ascii: "{")) }
    mutating func close() { end(UInt8(ascii: "}")) }
    mutating func openList() { begin(UInt8(ascii: "[")) }
    mutating func closeList() { end(UInt8(ascii: "]")) }

    mutating func key(_ name: StaticString) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: [UInt8(ascii: "\""), UInt8(ascii: ":")])
        needsComma = false
    }

    mutating func add(_ name: StaticString, _ text: String) {
        guard !text.isEmpty else { return }
        key(name)
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case ..<0x20, 0x7f:
                bytes.append(contentsOf: Array("\\u00".utf8))
                for digit in [byte >> 4, byte & 15] {
                    bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
                }
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    mutating func add(_ name: StaticString, _ number: Int64) {
        key(name)
        bytes.append(contentsOf: Array(String(number).utf8))
        needsComma = true
    }

    mutating func add(_ name: StaticString, _ flag: Bool) {
        key(name)
        bytes.append(contentsOf: Array((flag ? "true" : "false").utf8))
        needsComma = true
    }

    private mutating func begin(_ byte: UInt8) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        bytes.append(byte)
        needsComma = false
    }

    private mutating func end(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = true
    }
}

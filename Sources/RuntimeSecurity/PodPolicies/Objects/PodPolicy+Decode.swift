// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension PodPolicy {
    /// Reads a PodPolicy object.
    /// - Throws: the first field that is not what it should be; unknown fields too.
    package init(_ node: Node) throws(PodFieldError) {
        let (metadata, spec) = try FieldReader.object(
            node, kind: "PodPolicy",
            spec: ["mode", "standard", "fields", "enabled", "appliesByDefault", "exemptions"])
        let rules: Rules
        switch (spec.member("standard"), spec.member("fields")) {
        case (let standard?, nil):
            rules = .standard(
                try Self.standard(try FieldReader(standard, path: "spec.standard", known: ["level", "version"])))
        case (nil, let fields?):
            rules = .fields(try SecurityRules(reading: fields))
        case (nil, nil): throw PodFieldError(path: "spec", message: "must hold standard or fields")
        default: throw PodFieldError(path: "spec", message: "must hold either standard or fields, not both")
        }
        var exemptions: [PolicyExemption] = []
        for (index, element) in try spec.elements("exemptions").enumerated() {
            exemptions.append(try PolicyExemption(element, path: "spec.exemptions[\(index)]"))
        }
        self.init(
            name: try FieldReader.name(of: metadata), uid: metadata["uid"]?.string ?? "",
            generation: metadata["generation"]?.int ?? 1, mode: try spec.choice("mode", default: .enforce),
            rules: rules, isEnabled: try spec.bool("enabled") ?? true,
            isDefault: try spec.bool("appliesByDefault") ?? false, exemptions: exemptions)
    }

    private static func standard(_ fields: FieldReader) throws(PodFieldError) -> PodSecurityStandard {
        let level: PodSecurityStandard.Level = try fields.choice("level", default: nil)
        guard let text = try fields.string("version") else { return PodSecurityStandard(level) }
        guard let version = PodSecurityStandard.Version(text) else {
            throw fields.problem("version", "is \"\(text.prefix(60))\", must be latest or v1.N")
        }
        return PodSecurityStandard(level, version)
    }
}

extension PolicyExemption {
    init(_ node: Node, path: String) throws(PodFieldError) {
        let fields = try FieldReader(
            node, path: path, known: ["users", "namespaces", "runtimeClasses", "owner", "reason", "expires"])
        var expiry: Int64?
        if let text = try fields.string("expires") {
            guard let seconds = RFC3339.seconds(text) else {
                throw fields.problem(
                    "expires", "is \"\(text.prefix(60))\", must be a time such as 2027-01-31T00:00:00Z")
            }
            expiry = seconds
        }
        self.init(
            users: try fields.names("users"), namespaces: try fields.names("namespaces"),
            runtimeClasses: try fields.names("runtimeClasses"), owner: try fields.text("owner"),
            reason: try fields.text("reason"), expiry: expiry)
        // Without any of them it would exempt everybody: that is what `enabled: false` says plainly.
        guard !(users.isEmpty && namespaces.isEmpty && runtimeClasses.isEmpty) else {
            throw PodFieldError(path: path, message: "must name users, namespaces or runtimeClasses")
        }
    }
}

/// Times as Kubernetes writes them (RFC 3339).
enum RFC3339 {
    /// Seconds since 1970; nil when this is no such time. A fraction of a second is left out.
    static func seconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        func number(_ from: Int, _ count: Int) -> Int? {
            guard from + count <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[from..<from + count] {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        func has(_ byte: UInt8, at index: Int) -> Bool { index < bytes.count && bytes[index] == byte }
        guard let year = number(0, 4), has(0x2D, at: 4), let month = number(5, 2), has(0x2D, at: 7),
            let day = number(8, 2), has(0x54, at: 10) || has(0x74, at: 10), let hour = number(11, 2), has(0x3A, at: 13),
            let minute = number(14, 2), has(0x3A, at: 16), let second = number(17, 2),
            (1...12).contains(month), day >= 1, day <= length(of: month, in: year), hour < 24, minute < 60, second <= 60
        else { return nil }
        var at = 19
        if has(0x2E, at: at) {
            let start = at + 1
            at = start
            while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 { at += 1 }
            guard at > start else { return nil }
        }
        var offset = 0
        if has(0x5A, at: at) || has(0x7A, at: at) {
            at += 1
        } else {
            guard has(0x2B, at: at) || has(0x2D, at: at), let hours = number(at + 1, 2), has(0x3A, at: at + 3),
                let minutes = number(at + 4, 2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (has(0x2D, at: at) ? -60 : 60)
            at += 6
        }
        guard at == bytes.count else { return nil }
        return Int64(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset)
    }

    /// Days since 1970-01-01 in the Gregorian calendar, counted from March so that the leap day comes last.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func length(of month: Int, in year: Int) -> Int {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }
}

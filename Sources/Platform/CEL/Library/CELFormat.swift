// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import RegularExpressions

/// The formats of texts that Kubernetes knows by name.
package enum CELFormat: String, Sendable, CaseIterable {
    case dns1123Label, dns1123Subdomain, dns1035Label, qualifiedName
    case dns1123LabelPrefix, dns1123SubdomainPrefix, dns1035LabelPrefix
    case labelValue, uri, uuid, byte, date, datetime

    /// What is wrong with a text; empty for nothing.
    func problems(of text: String) -> [String] {
        switch self {
        case .dns1123Label: return CELFormat.label(text)
        case .dns1123LabelPrefix: return CELFormat.label(CELFormat.completed(text))
        case .dns1123Subdomain: return CELFormat.subdomain(text)
        case .dns1123SubdomainPrefix: return CELFormat.subdomain(CELFormat.completed(text))
        case .dns1035Label: return CELFormat.oldLabel(text)
        case .dns1035LabelPrefix: return CELFormat.oldLabel(CELFormat.completed(text))
        case .qualifiedName: return CELFormat.qualified(text)
        case .labelValue:
            return CELFormat.problems(
                text, limit: 63, "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
                "a label's value holds letters, digits, '-', '_' and '.', and begins and ends with a letter or digit")
        case .uri: return CELURL(text) == nil ? ["not an absolute URI or path"] : []
        case .uuid:
            let pattern = "(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
            return CELFormat.problems(text, pattern, "does not match the UUID format")
        case .byte:
            let pattern =
                "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})"
            return CELFormat.problems(text, pattern, "invalid base64")
        case .date:
            let isDate = text.utf8.count == 10 && CELTime.moment(text + "T00:00:00Z") != nil
            return isDate ? [] : ["invalid date"]
        case .datetime: return CELTime.moment(text) == nil ? ["invalid datetime"] : []
        }
    }

    /// A prefix may end in a dash, for more comes behind it.
    private static func completed(_ text: String) -> String {
        text.utf8.count > 1 && text.hasSuffix("-") ? String(text.dropLast(2)) + "a" : text
    }

    private static func label(_ text: String) -> [String] {
        problems(
            text, limit: 63, "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
            "an RFC 1123 label holds small letters, digits and '-', and begins and ends with a letter or digit")
    }

    private static func oldLabel(_ text: String) -> [String] {
        problems(
            text, limit: 63, "[a-z]([-a-z0-9]*[a-z0-9])?",
            "an RFC 1035 label holds small letters, digits and '-', begins with a letter and ends with a letter or digit"
        )
    }

    private static func subdomain(_ text: String) -> [String] {
        problems(
            text, limit: 253, "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
            "an RFC 1123 subdomain holds labels of small letters, digits and '-' between dots")
    }

    private static func qualified(_ text: String) -> [String] {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let name = parts.last else {
            return ["a qualified name has one '/' at most, after a DNS subdomain"]
        }
        var found: [String] = []
        if parts.count == 2 {
            found = parts[0].isEmpty ? ["the prefix is empty"] : subdomain(parts[0]).map { "the prefix: " + $0 }
        }
        if name.isEmpty { return found + ["the name is empty"] }
        return found
            + problems(
                name, limit: 63, "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
                "a name holds letters, digits, '-', '_' and '.', and begins and ends with a letter or digit")
    }

    private static func problems(_ text: String, limit: Int = .max, _ pattern: String, _ problem: String) -> [String] {
        let isLong = text.utf8.count > limit ? ["must be no more than \(limit) characters"] : []
        let matches = (try? CELText.compile("^(?:\(pattern))\\z").matches(text)) ?? false
        return isLong + (matches ? [] : [problem])
    }
}

extension CELFunctions {
    static func addFormats(_ table: inout [String: Body]) {
        for format in CELFormat.allCases { table["format.\(format.rawValue)"] = { _, _ in .format(format) } }
        table["format.named"] = { arguments, _ in
            guard case .string(let name)? = arguments.first?.resolved else {
                throw noOverload("format.named", arguments)
            }
            return .optional(CELFormat(rawValue: name).map { .format($0) })
        }
    }

    static func addFormatMethods(_ table: inout [String: Body]) {
        table["validate"] = { arguments, _ in
            guard arguments.count == 2, case .format(let format) = arguments[0],
                case .string(let text) = arguments[1].resolved
            else { throw noOverload("validate", arguments) }
            let problems = format.problems(of: text)
            return .optional(problems.isEmpty ? nil : .list(problems.map { .string($0) }))
        }
    }
}

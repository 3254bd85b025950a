// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import RegularExpressions

/// The formats that a schema may ask of a text. One that is not known holds.
enum SchemaFormat {
    static func holds(_ format: String, _ text: String) -> Bool {
        switch format {
        case "date": return isTime(text, ["2006-01-02"])
        case "time": return isTime(text, ["15:04:05Z07:00", "15:04:05"])
        case "date-time":
            return isTime(text, ["2006-01-02T15:04:05Z07:00", "2006-01-02", "15:04:05Z07:00", "15:04:05"])
        case "hostname": return text.utf8.count < 256 && matches(hostName, text)
        case "email", "idn-email": return isMail(text)
        case "ipv4": return text.contains(".") && IPNetwork.parse(text) != nil
        case "ipv6": return text.contains(":") && IPNetwork.parse(text) != nil
        case "uri", "iri": return isURL(text) && !URLText(text).scheme.isEmpty
        case "uri-reference", "iri-reference": return isURL(text)
        case "uri-template": return isURL(text) && matches("^([^{]*({[^}]*})?)*$", URLText(text).path)
        case "uuid": return matches("^(?i)[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$", text)
        case "regex": return (try? PatternCache.shared.pattern(text)) != nil
        case "json-pointer": return matches("^(?:/(?:[^~/]|~0|~1)*)*$", text)
        case "relative-json-pointer": return matches("^(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~0|~1)*)*)$", text)
        default: return true
        }
    }

    private static let hostName =
        #"^([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])(\.([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]{0,61}[a-zA-Z0-9]))*$"#

    private static func matches(_ pattern: String, _ text: String) -> Bool {
        (try? PatternCache.shared.pattern(pattern))?.matches(text) ?? false
    }

    private static func isTime(_ text: String, _ layouts: [String]) -> Bool {
        layouts.contains { (try? GoLayout.parse(text, layout: $0)) != nil }
    }

    /// An address, bare or as `Name <address>`; comments and quoted parts are not taken apart.
    private static func isMail(_ text: String) -> Bool {
        var address = text[...]
        if let open = text.lastIndex(of: "<"), text.hasSuffix(">") {
            address = text[text.index(after: open)...].dropLast()
        }
        return matches(
            #"^[^\s@<>(),:;\\"\[\]]+(\.[^\s@<>(),:;\\"\[\]]+)*@([^\s@<>(),:;\\"\[\]]+|\[[^\]\s]+\])$"#, String(address))
            && !address.contains("..") && !address.hasPrefix(".") && !address.contains(".@")
    }

    /// Has neither control characters nor broken escapes, and no space in its host.
    private static func isURL(_ text: String) -> Bool {
        guard !text.contains("\\"), !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }), !text.hasPrefix(":") else {
            return false
        }
        if let colon = text.firstIndex(of: ":"), text[..<colon].allSatisfy({ $0 != "/" && $0 != "?" && $0 != "#" }),
            !matches("^[a-zA-Z][a-zA-Z0-9+.-]*$", String(text[..<colon]))
        {
            return false
        }
        var rest = Array(text.utf8)[...]
        while let at = rest.firstIndex(of: 0x25) {
            let digits = rest[(at + 1)...].prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else {
                return false
            }
            rest = rest[(at + 1)...]
        }
        return !URLText(text).host.contains { $0 == " " || $0 == "<" || $0 == ">" || $0 == "\"" }
    }
}

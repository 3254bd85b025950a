// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// A Kubernetes quantity: `1.5Gi`, `200m`.
package struct CELQuantity: Sendable {
    let text: String
    let value: Decimal

    private static let suffixes: [(String, Decimal)] = {
        var found: [(String, Decimal)] = []
        var binary = Decimal(1)
        for letter in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] {
            binary *= 1024
            found.append((letter, binary))
        }
        var decimal = Decimal(1)
        for letter in ["k", "M", "G", "T", "P", "E"] {
            decimal *= 1000
            found.append((letter, decimal))
        }
        let small: [(String, Decimal)] = [
            ("m", Decimal(sign: .plus, exponent: -3, significand: 1)),
            ("u", Decimal(sign: .plus, exponent: -6, significand: 1)),
            ("n", Decimal(sign: .plus, exponent: -9, significand: 1)),
        ]
        return found + small
    }()

    init?(_ text: String) {
        var number = text[...]
        var factor = Decimal(1)
        for (suffix, size) in CELQuantity.suffixes where text.hasSuffix(suffix) {
            number = text.dropLast(suffix.count)
            factor = size
            break
        }
        guard number.utf8.count <= 40, !number.isEmpty, number.utf8.contains(where: { $0 >= 0x30 && $0 <= 0x39 }),
            number.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || "+-.eE".utf8.contains($0) }),
            let value = Decimal(string: String(number)), Double(number) != nil
        else { return nil }
        self.text = text
        self.value = value * factor
    }

    init(value: Decimal) {
        self.value = value
        text = "\(value)"
    }

    static func compare(_ a: CELQuantity, _ b: CELQuantity) -> Int {
        a.value < b.value ? -1 : a.value == b.value ? 0 : 1
    }
}

/// An absolute URL or an absolute path.
package struct CELURL: Sendable {
    let text: String
    let parts: URLComponents

    init?(_ text: String) {
        guard let parts = URLComponents(string: text), parts.scheme != nil && parts.host != nil || text.hasPrefix("/")
        else {
            return nil
        }
        (self.text, self.parts) = (text, parts)
    }
}

/// semver.org 2.0.0, as Kubernetes' library takes it.
package struct CELVersion: Sendable {
    let text: String
    let numbers: [Int]
    let prerelease: [String]

    init?(_ text: String) {
        let build = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = build[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        var numbers: [Int] = []
        for part in parts[0].split(separator: ".", omittingEmptySubsequences: false) {
            guard !part.isEmpty, part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                part.count == 1 || part.first != "0",
                let number = Int(part)
            else { return nil }
            numbers.append(number)
        }
        guard numbers.count == 3 else { return nil }
        let names =
            parts.count == 2 ? parts[1].split(separator: ".", omittingEmptySubsequences: false).map(String.init) : []
        guard !names.contains(where: \.isEmpty) else { return nil }
        (self.text, self.numbers, prerelease) = (text, numbers, names)
    }

    init?(tolerant text: String) {
        var rest = text.split(separator: " ").joined()[...]
        if rest.hasPrefix("v") { rest = rest.dropFirst() }
        let end = rest.firstIndex { $0 == "-" || $0 == "+" } ?? rest.endIndex
        var numbers = rest[..<end].split(separator: ".", omittingEmptySubsequences: false).map { part in
            let digits = part.drop { $0 == "0" }
            return digits.isEmpty && !part.isEmpty ? "0" : String(digits)
        }
        // A prerelease or a build belongs to a whole version.
        guard numbers.count == 3 || end == rest.endIndex else { return nil }
        while numbers.count < 3 { numbers.append("0") }
        self.init(numbers.joined(separator: ".") + rest[end...])
    }

    static func compare(_ a: CELVersion, _ b: CELVersion) -> Int {
        for (one, two) in zip(a.numbers, b.numbers) where one != two { return one < two ? -1 : 1 }
        if a.prerelease.isEmpty != b.prerelease.isEmpty { return a.prerelease.isEmpty ? 1 : -1 }
        for (one, two) in zip(a.prerelease, b.prerelease) where one != two {
            switch (Int(one), Int(two)) {
            case (let x?, let y?): return x < y ? -1 : 1
            case (_?, nil): return -1
            case (nil, _?): return 1
            default: return one < two ? -1 : 1
            }
        }
        return a.prerelease.count - b.prerelease.count
    }
}

extension CELFunctions {
    private static func text(_ arguments: [CELValue], _ name: String) throws(CELError) -> String {
        guard case .string(let text)? = arguments.first?.resolved else { throw noOverload(name, arguments) }
        return text
    }

    /// With a second argument that is true, what is usual beside the standard is read too: `v1.2`, ` 1.02.3`.
    private static func version(_ text: String, _ arguments: [CELValue], _ name: String) throws(CELError) -> CELVersion?
    {
        guard arguments.count > 1 else { return CELVersion(text) }
        guard let isTolerant = arguments[1].bool else { throw noOverload(name, arguments) }
        return isTolerant ? CELVersion(tolerant: text) : CELVersion(text)
    }

    static func addKubernetes(_ table: inout [String: Body]) {
        table["quantity"] = { arguments, _ in
            let text = try text(arguments, "quantity")
            guard let quantity = CELQuantity(text) else { throw CELEvaluator.error("\(text) is no quantity") }
            return .quantity(quantity)
        }
        table["isQuantity"] = { arguments, _ in .bool(CELQuantity(try text(arguments, "isQuantity")) != nil) }
        table["url"] = { arguments, _ in
            let text = try text(arguments, "url")
            guard let url = CELURL(text) else { throw CELEvaluator.error("\(text) is no URL") }
            return .url(url)
        }
        table["isURL"] = { arguments, _ in .bool(CELURL(try text(arguments, "isURL")) != nil) }
        table["semver"] = { arguments, _ in
            let text = try text(arguments, "semver")
            guard let version = try version(text, arguments, "semver") else {
                throw CELEvaluator.error("\(text) is no semantic version")
            }
            return .version(version)
        }
        table["isSemver"] = { arguments, _ in
            .bool(try version(try text(arguments, "isSemver"), arguments, "isSemver") != nil)
        }
    }

    static func addKubernetesMethods(_ table: inout [String: Body]) {
        let orders: [(String, @Sendable (Int) -> Bool)] = [("isGreaterThan", { $0 > 0 }), ("isLessThan", { $0 < 0 })]
        for (name, test) in orders {
            table[name] = { arguments, _ in
                guard arguments.count == 2, let order = CELValue.compare(arguments[0], arguments[1]) else {
                    throw noOverload(name, arguments)
                }
                return .bool(test(order))
            }
        }
        table["compareTo"] = { arguments, _ in
            guard arguments.count == 2, let order = CELValue.compare(arguments[0], arguments[1]) else {
                throw noOverload("compareTo", arguments)
            }
            return .int(order < 0 ? -1 : order == 0 ? 0 : 1)
        }
        for (name, sign) in [("add", Decimal(1)), ("sub", Decimal(-1))] {
            table[name] = { arguments, _ in
                guard arguments.count == 2, case .quantity(let a) = arguments[0].resolved else {
                    throw noOverload(name, arguments)
                }
                switch arguments[1].resolved {
                case .quantity(let b): return .quantity(CELQuantity(value: a.value + sign * b.value))
                case .int(let b): return .quantity(CELQuantity(value: a.value + sign * Decimal(b)))
                default: throw noOverload(name, arguments)
                }
            }
        }
        table["sign"] = { arguments, _ in
            guard case .quantity(let quantity) = arguments[0].resolved else { throw noOverload("sign", arguments) }
            return .int(quantity.value < 0 ? -1 : quantity.value == 0 ? 0 : 1)
        }
        table["asApproximateFloat"] = { arguments, _ in
            guard case .quantity(let quantity) = arguments[0].resolved else {
                throw noOverload("asApproximateFloat", arguments)
            }
            return .double(NSDecimalNumber(decimal: quantity.value).doubleValue)
        }
        for name in ["asInteger", "isInteger"] {
            table[name] = { arguments, _ in
                guard case .quantity(let quantity) = arguments[0].resolved else { throw noOverload(name, arguments) }
                let int = Int("\(quantity.value)")
                if name == "isInteger" { return .bool(int != nil) }
                guard let int else { throw CELEvaluator.error("cannot convert value to integer") }
                return .int(int)
            }
        }
        let urlParts: [(String, @Sendable (CELURL) -> String)] = [
            ("getScheme", { $0.parts.scheme ?? "" }), ("getHostname", { host($0) }),
            ("getPort", { $0.parts.port.map { "\($0)" } ?? "" }), ("getEscapedPath", { $0.parts.percentEncodedPath }),
            ("getHost", { url in host(url, bracketed: true) + (url.parts.port.map { ":\($0)" } ?? "") }),
        ]
        for (name, part) in urlParts {
            table[name] = { arguments, _ in
                guard case .url(let url) = arguments[0].resolved else { throw noOverload(name, arguments) }
                return .string(part(url))
            }
        }
        table["getQuery"] = { arguments, _ in
            guard case .url(let url) = arguments[0].resolved else { throw noOverload("getQuery", arguments) }
            var found: [(String, [CELValue])] = []
            for item in url.parts.queryItems ?? [] {
                if let place = found.firstIndex(where: { $0.0 == item.name }) {
                    found[place].1.append(.string(item.value ?? ""))
                } else {
                    found.append((item.name, [.string(item.value ?? "")]))
                }
            }
            return .map(CELMap(found.map { (.string($0.0), .list($0.1)) }))
        }
        let numbers: [(String, Int)] = [("major", 0), ("minor", 1), ("patch", 2)]
        for (name, place) in numbers {
            table[name] = { arguments, _ in
                guard case .version(let version) = arguments[0].resolved else { throw noOverload(name, arguments) }
                return .int(version.numbers[place])
            }
        }
    }

    private static func host(_ url: CELURL, bracketed: Bool = false) -> String {
        let host = url.parts.host ?? ""
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        return bracketed && bare.contains(":") ? "[\(bare)]" : bare
    }
}

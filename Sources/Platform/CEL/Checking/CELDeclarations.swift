// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// One way to call a function; a method's first parameter is what it is called on.
package struct CELOverload: Sendable {
    package let isMethod: Bool
    package let parameters: [CELType]
    package let result: CELType
    /// More arguments of the last parameter's type may follow.
    let isVariadic: Bool
    let hasParameters: Bool

    package init(isMethod: Bool, _ parameters: [CELType], _ result: CELType, isVariadic: Bool = false) {
        self.isMethod = isMethod
        self.parameters = parameters
        self.result = result
        self.isVariadic = isVariadic
        hasParameters = result.hasParameters || parameters.contains(where: \.hasParameters)
    }

    /// What so many arguments have to be; nil where it cannot be called with them.
    func parameters(for count: Int) -> [CELType]? {
        if parameters.count == count { return parameters }
        guard isVariadic, count >= parameters.count, let last = parameters.last else { return nil }
        return parameters + Array(repeating: last, count: count - parameters.count)
    }
}

/// The functions that there are, with their types.
enum CELDeclarations {
    /// Types of libraries.
    static let opaque: Set<String> = [
        "net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.URL", "kubernetes.Semver", "kubernetes.NamedFormat",
        "kubernetes.authorization.Authorizer", "kubernetes.authorization.PathCheck",
        "kubernetes.authorization.GroupCheck", "kubernetes.authorization.ResourceCheck",
        "kubernetes.authorization.Decision",
    ]

    static func overloads(_ name: String) -> [CELOverload]? { table[name] }

    static var names: [String] { table.keys.sorted() }

    /// Lines that could not be read: always none.
    static var unread: [String] { text.split(separator: "\n").map(String.init).filter { read($0) == nil } }

    private static let table: [String: [CELOverload]] = {
        var table: [String: [CELOverload]] = [:]
        for line in text.split(separator: "\n") {
            for (name, overload) in read(String(line)) ?? [] { table[name, default: []].append(overload) }
        }
        return table
    }()

    private static let shorthands: [(String, String)] = [
        ("IP", "net.IP"), ("CIDR", "net.CIDR"), ("Quantity", "kubernetes.Quantity"), ("URL", "kubernetes.URL"),
        ("Semver", "kubernetes.Semver"), ("Format", "kubernetes.NamedFormat"),
        ("Authorizer", "kubernetes.authorization.Authorizer"), ("Path", "kubernetes.authorization.PathCheck"),
        ("Group", "kubernetes.authorization.GroupCheck"), ("Resource", "kubernetes.authorization.ResourceCheck"),
        ("Decision", "kubernetes.authorization.Decision"),
    ]

    private static func type(_ text: some StringProtocol) -> CELType? {
        for (short, name) in shorthands {
            if text == short { return .opaque(name, []) }
            if text == "optional(\(short))" { return .optional(.opaque(name, [])) }
        }
        return CELType(text)
    }

    /// `name name: int.(string) bool | (int, int...) bool`: a method has its target before the dot.
    private static func read(_ line: String) -> [(String, CELOverload)]? {
        guard let colon = line.range(of: ": ") else { return nil }
        let names = line[..<colon.lowerBound].split(separator: " ").map(String.init)
        var found: [(String, CELOverload)] = []
        for text in line[colon.upperBound...].split(separator: "|") {
            guard let overload = overload(text.split(separator: " ").joined(separator: " ")) else { return nil }
            found += names.map { ($0, overload) }
        }
        return found
    }

    private static func overload(_ text: String) -> CELOverload? {
        guard let close = text.range(of: ") ", options: .backwards) else { return nil }
        // The parameters' parenthesis opens where its depth comes back to nothing.
        var depth = 0
        var open: String.Index?
        for index in text[..<text.index(after: close.lowerBound)].indices.reversed() {
            if text[index] == ")" { depth += 1 }
            if text[index] == "(" { depth -= 1 }
            if depth == 0 {
                open = index
                break
            }
        }
        guard let open, let result = type(text[close.upperBound...]) else { return nil }
        var parameters: [CELType] = []
        let isMethod = open > text.startIndex
        if isMethod {
            guard let target = type(text[..<open].dropLast()) else { return nil }
            parameters.append(target)
        }
        var inside = String(text[text.index(after: open)..<close.lowerBound])
        let isVariadic = inside.hasSuffix("...")
        if isVariadic { inside.removeLast(3) }
        for part in split(inside) {
            guard let type = type(part) else { return nil }
            parameters.append(type)
        }
        return CELOverload(isMethod: isMethod, parameters, result, isVariadic: isVariadic)
    }

    private static func split(_ text: String) -> [String] {
        var parts: [String] = []
        var (part, depth) = ("", 0)
        for character in text where character != " " {
            if character == ",", depth == 0 {
                parts.append(part)
                part = ""
                continue
            }
            depth += character == "(" ? 1 : character == ")" ? -1 : 0
            part.append(character)
        }
        return part.isEmpty ? parts : parts + [part]
    }

    private static let text = """
        !_: (bool) bool
        -_: (int) int | (double) double
        _==_ _!=_: (T, T) bool
        _<_ _<=_ _>_ _>=_: (bool, bool) bool | (int, int) bool | (int, uint) bool | (int, double) bool | (uint, uint) bool | (uint, int) bool | (uint, double) bool | (double, double) bool | (double, int) bool | (double, uint) bool | (string, string) bool | (bytes, bytes) bool | (timestamp, timestamp) bool | (duration, duration) bool
        _in_: (T, list(T)) bool | (K, map(K, V)) bool
        _+_: (int, int) int | (uint, uint) uint | (double, double) double | (string, string) string | (bytes, bytes) bytes | (list(T), list(T)) list(T) | (timestamp, duration) timestamp | (duration, timestamp) timestamp | (duration, duration) duration
        _-_: (int, int) int | (uint, uint) uint | (double, double) double | (timestamp, timestamp) duration | (timestamp, duration) timestamp | (duration, duration) duration
        _*_ _/_: (int, int) int | (uint, uint) uint | (double, double) double
        _%_: (int, int) int | (uint, uint) uint
        ?_:_: (bool, T, T) T
        dyn: (T) dyn
        type: (T) type(T)
        size: (string) int | (bytes) int | (list(T)) int | (map(K, V)) int | string.() int | bytes.() int | list(T).() int | map(K, V).() int
        matches: (string, string) bool | string.(string) bool
        bool: (bool) bool | (string) bool
        int: (int) int | (uint) int | (double) int | (string) int | (timestamp) int | (duration) int
        uint: (uint) uint | (int) uint | (double) uint | (string) uint
        double: (double) double | (int) double | (uint) double | (string) double
        string: (string) string | (bool) string | (int) string | (uint) string | (double) string | (bytes) string | (timestamp) string | (duration) string | (IP) string | (CIDR) string | (URL) string | (Quantity) string | (Semver) string
        bytes: (bytes) bytes | (string) bytes
        timestamp: (timestamp) timestamp | (string) timestamp | (int) timestamp
        duration: (duration) duration | (string) duration | (int) duration
        contains startsWith endsWith: string.(string) bool
        getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear: timestamp.() int | timestamp.(string) int
        getHours getMinutes getSeconds getMilliseconds: timestamp.() int | timestamp.(string) int | duration.() int
        charAt: string.(int) string
        indexOf lastIndexOf: string.(string) int | string.(string, int) int | list(T).(T) int
        lowerAscii upperAscii trim: string.() string
        reverse: string.() string | list(T).() list(T)
        replace: string.(string, string) string | string.(string, string, int) string
        split: string.(string) list(string) | string.(string, int) list(string)
        substring: string.(int) string | string.(int, int) string
        join: list(string).() string | list(string).(string) string
        format: string.(list(dyn)) string
        find: string.(string) string
        findAll: string.(string) list(string) | string.(string, int) list(string)
        strings.quote: (string) string
        base64.encode: (bytes) string
        base64.decode: (string) bytes
        math.greatest math.least: (int) int | (uint) uint | (double) double | (list(int)) int | (list(uint)) uint | (list(double)) double | (list(dyn)) dyn | (int, int...) int | (uint, uint...) uint | (double, double...) double | (int, uint) dyn | (int, double) dyn | (uint, int) dyn | (uint, double) dyn | (double, int) dyn | (double, uint) dyn | (dyn, dyn, dyn...) dyn
        math.ceil math.floor math.round math.trunc: (double) double
        math.sqrt: (double) double | (int) double | (uint) double
        math.abs math.sign: (int) int | (uint) uint | (double) double
        math.isNaN math.isInf math.isFinite: (double) bool
        math.bitAnd math.bitOr math.bitXor: (int, int) int | (uint, uint) uint
        math.bitNot: (int) int | (uint) uint
        math.bitShiftLeft math.bitShiftRight: (int, int) int | (uint, int) uint
        lists.range: (int) list(int)
        slice: list(T).(int, int) list(T)
        flatten: list(list(T)).() list(T) | list(dyn).(int) list(dyn)
        distinct sort: list(T).() list(T)
        first last: list(T).() optional(T)
        isSorted: list(T).() bool
        sum: list(int).() int | list(uint).() uint | list(double).() double | list(duration).() duration
        min max: list(T).() T
        sets.contains sets.equivalent sets.intersects: (list(T), list(T)) bool
        optional.of: (T) optional(T)
        optional.none: () optional(T)
        optional.ofNonZeroValue: (T) optional(T)
        optional.unwrap: (list(optional(T))) list(T)
        unwrapOpt: list(optional(T)).() list(T)
        hasValue: optional(T).() bool
        value: optional(T).() T
        or: optional(T).(optional(T)) optional(T)
        orValue: optional(T).(T) T
        ip: (string) IP | CIDR.() IP
        cidr: (string) CIDR
        isIP: (string) bool
        isCIDR: (string) bool
        ip.isCanonical: (string) bool
        isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast: IP.() bool
        family: IP.() int
        prefixLength: CIDR.() int
        masked: CIDR.() CIDR
        containsIP: CIDR.(IP) bool | CIDR.(string) bool
        containsCIDR: CIDR.(CIDR) bool | CIDR.(string) bool
        quantity: (string) Quantity
        isQuantity: (string) bool
        isGreaterThan isLessThan: Quantity.(Quantity) bool | Semver.(Semver) bool
        compareTo: Quantity.(Quantity) int | Semver.(Semver) int
        add sub: Quantity.(Quantity) Quantity | Quantity.(int) Quantity
        sign: Quantity.() int
        asApproximateFloat: Quantity.() double
        asInteger: Quantity.() int
        isInteger: Quantity.() bool
        url: (string) URL
        isURL: (string) bool
        getScheme getHostname getPort getEscapedPath getHost: URL.() string
        getQuery: URL.() map(string, list(string))
        semver: (string) Semver | (string, bool) Semver
        isSemver: (string) bool | (string, bool) bool
        major minor patch: Semver.() int
        format.named: (string) optional(Format)
        format.dns1123Label format.dns1123Subdomain format.dns1035Label format.qualifiedName format.dns1123LabelPrefix format.dns1123SubdomainPrefix format.dns1035LabelPrefix format.labelValue format.uri format.uuid format.byte format.date format.datetime: () Format
        validate: Format.(string) optional(list(string))
        path: Authorizer.(string) Path
        group: Authorizer.(string) Group
        serviceAccount: Authorizer.(string, string) Authorizer
        resource: Group.(string) Resource
        subresource namespace name fieldSelector labelSelector: Resource.(string) Resource
        check: Path.(string) Decision | Resource.(string) Decision
        allowed errored: Decision.() bool
        reason error: Decision.() string
        """
}

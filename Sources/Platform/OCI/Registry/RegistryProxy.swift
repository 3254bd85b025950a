// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// The proxy that the environment asks for: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, in capitals or not.
struct RegistryProxy: Hashable, Sendable {
    var host: String
    var port: Int
    var user: String?
    var password: Secret?
    var isSOCKS = false

    /// - Throws: `malformed` for a variable that is no address.
    static func find(
        isTLS: Bool, host: String, port: Int, environment: [String: String]
    ) throws(OCIError) -> RegistryProxy? {
        func variable(_ name: String) -> String? {
            let value = environment[name.lowercased()] ?? environment[name]
            return value.flatMap { $0.isEmpty ? nil : $0 }
        }
        let name = isTLS ? "HTTPS_PROXY" : "HTTP_PROXY"
        guard let text = variable(name), !isExcluded(host, port, variable("NO_PROXY") ?? "") else { return nil }
        guard let url = URLComponents(string: text.contains("://") ? text : "http://" + text), let proxyHost = url.host,
            !proxyHost.isEmpty, ["http", "socks5", "socks5h"].contains(url.scheme?.lowercased() ?? "")
        else {
            // Not the value: it may hold a password.
            throw OCIError(
                .malformed, "\(name) is no address of a proxy; expected http://host:port or socks5://host:port")
        }
        let isSOCKS = url.scheme?.lowercased() != "http"
        return RegistryProxy(
            host: proxyHost, port: url.port ?? (isSOCKS ? 1080 : 80), user: url.user,
            password: url.password.map(Secret.init),
            isSOCKS: isSOCKS)
    }

    private static func isExcluded(_ host: String, _ port: Int, _ list: String) -> Bool {
        let host = host.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        if host == "localhost" || host == "::1" || (host.hasPrefix("127.") && bits(host) != nil) { return true }
        for item in list.lowercased().split(separator: ",") {
            var entry = item.trimmingCharacters(in: .whitespaces)
            if entry == "*" { return true }
            if let slash = entry.firstIndex(of: "/"), let net = bits(String(entry[..<slash])),
                let length = UInt32(entry[slash...].dropFirst()), length <= 32, let address = bits(host)
            {
                let mask = length == 0 ? 0 : UInt32.max << (32 - length)
                if net & mask == address & mask { return true }
                continue
            }
            if let colon = entry.lastIndex(of: ":"), entry.firstIndex(of: ":") == colon {
                guard Int(entry[colon...].dropFirst()) == port else { continue }
                entry = String(entry[..<colon])
            }
            if entry.hasPrefix("*.") { entry.removeFirst() }
            guard !entry.isEmpty else { continue }
            if host == entry || (entry.hasPrefix(".") ? host.hasSuffix(entry) : host.hasSuffix("." + entry)) {
                return true
            }
        }
        return false
    }

    /// An IPv4 address as a number.
    private static func bits(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part) else { return nil }
            value = value << 8 | UInt32(byte)
        }
        return value
    }
}

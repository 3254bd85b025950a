// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import NIOCore

extension Downloader {
    /// A client for a host, behind the proxy that the environment names for it. The client asks proxies for tunnels
    /// (CONNECT), for plain HTTP too.
    static func client(for url: String, _ options: AdvisoryUpdater.Options) throws(AdvisoryError) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(15)
        configuration.timeout.read = .milliseconds(Int64(options.silence / .milliseconds(1)))
        configuration.redirectConfiguration = .follow(max: 5, allowCycles: false)
        if let proxy = try Proxy(environment: options.environment, url: url) {
            configuration.proxy = .server(
                host: proxy.host, port: proxy.port,
                authorization: proxy.user.isEmpty
                    ? nil : .basic(username: proxy.user, password: proxy.password))
        }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }
}

/// A proxy as the environment names it: `http://user:password@host:3128`.
struct Proxy: Equatable {
    var host: String
    var port: Int
    var user = ""
    var password = ""

    /// nil where none is to be used.
    init?(environment: [String: String], url: String) throws(AdvisoryError) {
        func value(_ name: String) -> String { environment[name.lowercased()] ?? environment[name] ?? "" }
        let isSecure = url.hasPrefix("https:")
        let named = value(isSecure ? "HTTPS_PROXY" : "HTTP_PROXY")
        let text = named.isEmpty ? value("ALL_PROXY") : named
        guard !text.isEmpty, !Self.isExcepted(Self.host(of: url), value("NO_PROXY")) else { return nil }
        var rest = text[...]
        if let scheme = rest.range(of: "://") {
            guard rest[..<scheme.lowerBound].lowercased() == "http" else {
                throw AdvisoryError(
                    .network, "a proxy is reached over http; \(rest[..<scheme.lowerBound]) is not known")
            }
            rest = rest[scheme.upperBound...]
        }
        rest = rest.prefix { $0 != "/" }
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = Self.unescaped(parts[0])
            password = parts.count > 1 ? Self.unescaped(parts[1]) : ""
            rest = rest[rest.index(after: at)...]
        }
        port = 3128
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
        } else {
            host = String(rest.prefix { $0 != ":" })
            rest = rest.dropFirst(host.count)
        }
        if rest.hasPrefix(":") {
            guard let number = Int(rest.dropFirst()), (1...65_535).contains(number) else {
                throw AdvisoryError(.network, "the proxy's port is no number")
            }
            port = number
        }
        guard !host.isEmpty else { throw AdvisoryError(.network, "the proxy has no host") }
    }

    static func host(of url: String) -> String {
        guard let scheme = url.range(of: "://") else { return "" }
        var rest = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        if rest.hasPrefix("[") { return String(rest.dropFirst().prefix { $0 != "]" }) }
        return rest.prefix { $0 != ":" }.lowercased()
    }

    /// Entries of NO_PROXY: `*`, a host, or a domain with or without a leading dot.
    private static func isExcepted(_ host: String, _ list: String) -> Bool {
        for entry in list.split(whereSeparator: { $0 == "," || $0 == " " }) {
            let name = entry.lowercased().drop { $0 == "." }
            if name == "*" || host == name || host.hasSuffix("." + name) { return true }
        }
        return false
    }

    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        let source = Array(text.utf8)
        var at = 0
        while at < source.count {
            if source[at] == 0x25, at + 2 < source.count,
                let byte = UInt8(String(decoding: source[at + 1...at + 2], as: UTF8.self), radix: 16)
            {
                bytes.append(byte)
                at += 3
            } else {
                bytes.append(source[at])
                at += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension StringProtocol {
    /// Where a text begins and ends in this one.
    fileprivate func range(of text: String) -> Range<Index>? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(text) { return at..<index(at, offsetBy: text.count) }
            at = index(after: at)
        }
        return nil
    }
}

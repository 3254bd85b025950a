// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird
import NIOCore

/// A request as the handlers see it: decoded, its body read and bounded, whoever asks known.
struct Call: Sendable {
    var method: HTTPRequest.Method
    /// As it was sent, with its query.
    var target: String
    /// The values of the route's parameters, percent-decoded.
    var parameters: [String: String]
    var query: Fields
    var headers: HTTPFields
    var body: [UInt8]
    var form: Fields
    /// Where the connection comes from; an IPv6 address as its /64.
    var address: String
    /// nil on open routes that nobody is logged in on.
    var identity: Identity?
    /// Seconds since 1970.
    var now: Int64

    /// Who asks, on routes that are not open.
    var person: Identity {
        get throws {
            guard let identity else { throw ConsoleError(.unauthenticated, "Log in first.") }
            return identity
        }
    }

    func parameter(_ name: String) throws -> String {
        guard let value = parameters[name] else { throw ConsoleError(.notFound, "There is nothing here.") }
        return value
    }

    /// A parameter that is a number of ours; anything else is the name of nothing.
    func number(_ name: String) throws -> Int64 {
        guard let number = Int64(try parameter(name)) else {
            throw ConsoleError(.notFound, "There is nothing with this number.")
        }
        return number
    }

    /// The cookie's value as it was sent.
    func cookie(_ name: String) -> String? {
        for field in headers[values: .cookie] {
            for part in field.split(separator: ";") {
                let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard pair.count == 2, pair[0].drop(while: { $0 == " " }) == name else { continue }
                return String(pair[1])
            }
        }
        return nil
    }
}

/// What stays of a request between Hummingbird's parts.
struct ConsoleContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let address: String

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        address = source.channel.remoteAddress?.ipAddress.map(IPAddress.origin) ?? "local"
    }
}

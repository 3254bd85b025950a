// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird

/// One address that the console answers. The table of these makes the router, decides who may ask, and is the source of
/// the OpenAPI document: what is not in it does not exist.
struct Route: Sendable {
    /// Who may ask.
    enum Access: String, Sendable, CaseIterable {
        /// Anybody: it shows nothing of what was found.
        case open
        /// Whoever is logged in.
        case viewer
        /// Whoever is logged in, for a change that touches nothing but their own log-in.
        case own
        case administrator

        func admits(_ role: Role) -> Bool { self != .administrator || role == .administrator }
    }

    typealias Handler = @Sendable (Call, ConsoleParts) async throws -> Response

    let method: HTTPRequest.Method
    /// Segments in braces are parameters: `/reports/{id}`.
    let path: String
    let access: Access
    /// Only for routes of the API.
    let operation: Operation?
    let handler: Handler

    init(
        _ method: HTTPRequest.Method, _ path: String, _ access: Access, _ operation: Operation? = nil,
        handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.operation = operation
        self.handler = handler
    }

    var isAPI: Bool { path.hasPrefix(RouteTable.apiPrefix) }

    /// Reading, which needs no form token.
    var isSafe: Bool { method == .get || method == .head }

    /// The names in braces, in order.
    var parameters: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") && $0.hasSuffix("}") }
            .map { String($0.dropFirst().dropLast()) }
    }

    /// Whether a request's path is one of this route's.
    func matches(path other: String) -> Bool {
        let (mine, theirs) = (path.split(separator: "/"), other.split(separator: "/"))
        return mine.count == theirs.count && zip(mine, theirs).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}

/// What the OpenAPI document says about a route.
struct Operation: Sendable {
    struct Parameter: Sendable {
        var name: String
        var meaning: String
        var schema: JSONValue
        var isRequired = false
    }

    /// Unique among all; programs that are generated from the document call it so.
    var id: String
    var summary: String
    var tag: String
    /// In the query.
    var query: [Parameter] = []
    /// The name of the body's schema; nil takes none.
    var body: String?
    /// The status of success.
    var status: Int = 200
    /// The name of the answer's schema; nil has no body.
    var answer: String?
}

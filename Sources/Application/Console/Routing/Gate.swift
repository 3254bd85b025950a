// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird
import NIOCore

/// What every request passes before a handler sees it: who asks, whether they may, whether a change was meant, and
/// whether the body is of a size worth reading.
struct Gate: Sendable {
    static let maxBody = 64 * 1024
    static let formTokenHeader = SecurityHeaders.name("X-CSRF-Token")
    static let formTokenField = "csrf"

    let parts: ConsoleParts

    func answer(_ route: Route, _ request: Request, _ context: ConsoleContext) async throws -> Response {
        var call = Call(
            method: request.method, target: request.uri.string, parameters: [:],
            query: Fields(encoded: request.uri.query ?? ""), headers: request.headers, body: [], form: Fields(),
            address: context.address, identity: nil, now: parts.now())
        for name in route.parameters {
            let raw = context.parameters.get(name) ?? ""
            call.parameters[name] = Fields.decode(raw.utf8, plus: false)
        }
        call.identity = try await identity(call, isAPI: route.isAPI)
        if route.access != .open {
            let person = try call.person
            guard route.access.admits(person.role) else {
                throw ConsoleError(.forbidden, "Only an administrator may do this.")
            }
        }
        if !route.isSafe {
            call.body = try await body(request)
            try readForm(&call, isAPI: route.isAPI)
            try checkFormToken(call)
        }
        return try await route.handler(call, parts)
    }

    /// A token in the Authorization header, which only the API takes, or a session's cookie.
    func identity(_ call: Call, isAPI: Bool) async throws -> Identity? {
        if isAPI, let authorization = call.headers[.authorization] {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else {
                throw ConsoleError(.unauthenticated, "Send the token as: Authorization: Bearer TOKEN.")
            }
            guard let identity = try await self.parts.tokens.identity(secret: String(parts[1]), now: call.now) else {
                throw ConsoleError(.unauthenticated, "The token is unknown, expired or revoked.")
            }
            return identity
        }
        guard let secret = call.cookie(Sessions.cookieName) else { return nil }
        return try await parts.sessions.identity(secret: secret, now: call.now)
    }

    private func body(_ request: Request) async throws -> [UInt8] {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Self.maxBody {
            throw Self.tooLarge
        }
        return try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask {
                do {
                    let buffer = try await request.body.collect(upTo: Self.maxBody)
                    return Array(buffer.readableBytesView)
                } catch is NIOTooManyBytesError {
                    throw Self.tooLarge
                }
            }
            group.addTask {
                try await Task.sleep(for: .seconds(parts.configuration.bodySeconds))
                throw ConsoleError(.timeout, "The request's body took too long to arrive.")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    private static let tooLarge = ConsoleError(.tooLarge, "A request's body has at most \(maxBody / 1024) KB.")

    /// Pages take forms, the API takes JSON. No page of another site can send JSON without the browser asking first.
    private func readForm(_ call: inout Call, isAPI: Bool) throws {
        guard !call.body.isEmpty else { return }
        let type = (call.headers[.contentType] ?? "").split(separator: ";").first.map { $0.lowercased() } ?? ""
        guard type == (isAPI ? "application/json" : "application/x-www-form-urlencoded") else {
            throw ConsoleError(
                .unsupportedMedia,
                isAPI ? "Send the body as application/json." : "Send the form as application/x-www-form-urlencoded.")
        }
        if !isAPI { call.form = Fields(encoded: String(decoding: call.body, as: UTF8.self)) }
    }

    /// A change by a session must carry the session's token, in the form or in a header. Whoever sends an API token
    /// shows by that alone that the change is theirs. Without anybody logged in, the log-in checks its own.
    private func checkFormToken(_ call: Call) throws {
        guard case .session(_, let expected) = call.identity?.means else { return }
        let sent = call.headers[Self.formTokenHeader] ?? call.form[Self.formTokenField] ?? ""
        guard Secrets.equal(sent, expected) else {
            throw ConsoleError(.staleForm, "This form is too old or was not made here. Reload the page and try again.")
        }
    }
}

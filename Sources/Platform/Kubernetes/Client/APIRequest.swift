// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One question to an API server.
package struct APIRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET", post = "POST", put = "PUT", patch = "PATCH", delete = "DELETE"
    }

    package var method: Method
    /// From the server's root, percent-encoded: `/api/v1/pods`.
    package var path: String
    /// Not yet encoded.
    package var query: [(name: String, value: String)]
    package var body: APIBody?
    /// Whether asking twice does the same as asking once, so that a lost connection may be retried.
    package var isIdempotent: Bool
    /// Fewer tries than the client's policy has.
    package var attempts: Int

    package init(
        _ method: Method = .get, path: String, query: [(name: String, value: String)] = [], body: APIBody? = nil,
        isIdempotent: Bool? = nil, attempts: Int = .max
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.attempts = attempts
        self.isIdempotent = isIdempotent ?? (method == .get)
    }

    var target: String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0.name.urlSegment)=\($0.value.urlSegment)" }.joined(separator: "&")
    }
}

/// What a request sends.
package struct APIBody: Sendable {
    package var bytes: [UInt8]
    package var contentType: String

    package init(_ bytes: [UInt8], contentType: String) {
        self.bytes = bytes
        self.contentType = contentType
    }

    package static func json(_ text: String) -> APIBody { APIBody(Array(text.utf8), contentType: "application/json") }
    package static func yaml(_ text: String) -> APIBody { APIBody(Array(text.utf8), contentType: "application/yaml") }
}

/// The forms of a patch (RFC 7386, RFC 6902, and Kubernetes' own).
package enum PatchKind: String, Sendable {
    case merge = "application/merge-patch+json"
    case json = "application/json-patch+json"
    case strategic = "application/strategic-merge-patch+json"
    /// Server-side apply; JSON is accepted, being YAML too.
    case apply = "application/apply-patch+yaml"
}

/// How a write is made.
package struct WriteOptions: Sendable {
    /// Admission and validation run, nothing is stored.
    package var dryRun: Bool
    /// Who owns the fields, up to 128 characters.
    package var fieldManager: String
    /// Server-side apply takes fields from other owners.
    package var force: Bool

    package init(dryRun: Bool = false, fieldManager: String = "bulwark", force: Bool = false) {
        self.dryRun = dryRun
        self.fieldManager = fieldManager
        self.force = force
    }

    func query(apply: Bool = false, delete: Bool = false) -> [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if !delete { query.append(("fieldManager", fieldManager)) }
        if dryRun { query.append(("dryRun", "All")) }
        if apply { query.append(("force", force ? "true" : "false")) }
        return query
    }
}

/// Limits and patience of a client.
package struct APIClientOptions: Sendable {
    package var connectTimeout = Duration.seconds(10)
    /// For one try, from the first byte out to the last byte in.
    package var requestTimeout = Duration.seconds(60)
    /// A request is given up when nothing arrives for this long.
    package var idleTimeout = Duration.seconds(30)
    /// A watch is taken for dead when nothing arrives for this long. Servers send a bookmark about once a minute.
    package var watchIdleTimeout = Duration.seconds(100)
    /// The size limit of an answer. A list that exceeds it is asked for in smaller pages.
    package var maxAnswerBytes = 64 << 20
    /// The size limit of one watch event.
    package var maxEventBytes = 16 << 20
    package var retries = RetryPolicy()
    package var userAgent = "bulwark"

    package init() {}
}

/// How often and when to ask again: full jitter over an exponentially growing wait.
package struct RetryPolicy: Sendable {
    package var attempts: Int
    package var base: Duration
    package var ceiling: Duration
    /// The longest wait that a server may ask for with Retry-After.
    package var maxRetryAfter: Duration

    package init(
        attempts: Int = 5, base: Duration = .milliseconds(250), ceiling: Duration = .seconds(10),
        maxRetryAfter: Duration = .seconds(60)
    ) {
        self.attempts = attempts
        self.base = base
        self.ceiling = ceiling
        self.maxRetryAfter = maxRetryAfter
    }

    package static let none = RetryPolicy(attempts: 1)

    /// The wait before try number `attempt` + 1 (the first try is 1).
    func wait(after attempt: Int, retryAfter: Double?) -> Duration {
        if let retryAfter, retryAfter > 0 { return min(.seconds(retryAfter), maxRetryAfter) }
        let doubled = base * Double(1 << min(max(attempt - 1, 0), 20))
        return min(doubled, ceiling) * Double.random(in: 0.5...1)
    }
}

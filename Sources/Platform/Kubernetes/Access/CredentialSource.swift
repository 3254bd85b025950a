// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Dispatch
import FoundationEssentials
import Synchronization

/// What goes along with one request.
struct Credential: Sendable {
    /// The `Authorization` header's value.
    var authorization: Secret?
    var identity: TLSIdentity?
    /// When it stops to be accepted, where that is known.
    var expires: Date?
    /// Which fetching it came from, so that a refused one is thrown away once.
    var generation = 0
}

/// Where credentials come from: fixed ones, a file that is rotated, or a plugin that is asked again before they expire.
package final class CredentialSource: Sendable {
    enum Kind: Sendable {
        case none
        case token(Secret)
        /// `user:password` in base64.
        case basic(Secret)
        case tokenFile(String)
        case exec(ExecPlugin)
    }

    private struct State {
        var cached: Credential?
        var cachedAt: ContinuousClock.Instant = .now
        var generation = 0
    }

    let kind: Kind
    /// The fixed client certificate, for kinds that do not bring their own.
    private let identity: TLSIdentity?
    private let state = Mutex(State())
    /// Plugins and files are asked here, one at a time: no two requests start the same plugin.
    private let queue = DispatchQueue(label: "bulwark.kubernetes.credentials")

    /// How long a token file's content is used before it is read again. The kubelet rotates tokens long before they
    /// expire.
    private static let fileLife = Duration.seconds(30)
    /// A credential is renewed this long before its end, in seconds.
    private static let margin = 10.0

    init(_ kind: Kind, identity: TLSIdentity? = nil) {
        self.kind = kind
        self.identity = identity
    }

    /// How messages call what is sent.
    var noun: String {
        switch kind {
        case .none: identity == nil ? "anonymous access" : "the client certificate"
        case .token: "the token"
        case .basic: "the user name and password"
        case .tokenFile(let path): "the token in \(path)"
        case .exec(let plugin): "the credential from \(plugin.command)"
        }
    }

    /// The credential to use now.
    /// - Throws: `credential` or `unreadableFile`.
    func current() async throws -> Credential {
        switch kind {
        case .none: return Credential(identity: identity)
        case .token(let token): return Credential(authorization: Secret("Bearer \(token.text)"), identity: identity)
        case .basic(let login): return Credential(authorization: Secret("Basic \(login.text)"), identity: identity)
        case .tokenFile, .exec:
            if let fresh = fresh() { return fresh }
            return try await withCheckedThrowingContinuation { continuation in
                queue.async {
                    continuation.resume(with: Result { try self.fetch() })
                }
            }
        }
    }

    /// Forgets a credential that the server refused.
    /// - Returns: whether asking again can give another one.
    func reject(_ credential: Credential) -> Bool {
        switch kind {
        case .none, .token, .basic: return false
        case .tokenFile, .exec:
            state.withLock {
                if $0.generation == credential.generation { $0.cached = nil }
            }
            return true
        }
    }

    private func fresh() -> Credential? {
        state.withLock { state in
            guard let cached = state.cached else { return nil }
            if let expires = cached.expires { return expires.timeIntervalSinceNow > Self.margin ? cached : nil }
            if case .tokenFile = kind, state.cachedAt.duration(to: .now) > Self.fileLife { return nil }
            return cached
        }
    }

    /// Runs on the queue.
    private func fetch() throws -> Credential {
        // Another request may have fetched while this one waited for its turn.
        if let fresh = fresh() { return fresh }
        var credential: Credential
        switch kind {
        case .tokenFile(let path):
            let token = String(decoding: try readFile(path, limit: 1 << 20, what: "token file"), as: UTF8.self).trimmed
            guard !token.isEmpty else { throw KubernetesError(.credential, "token file \(path) is empty") }
            credential = Credential(authorization: Secret("Bearer \(token)"), identity: identity)
        case .exec(let plugin):
            credential = try plugin.run()
            if credential.identity == nil { credential.identity = identity }
        case .none, .token, .basic:
            credential = Credential(identity: identity)
        }
        return state.withLock {
            $0.generation += 1
            credential.generation = $0.generation
            $0.cached = credential
            $0.cachedAt = .now
            return credential
        }
    }
}

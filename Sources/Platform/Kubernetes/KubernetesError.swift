// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why a question to a cluster could not be answered. The message is for people and never holds a credential.
package struct KubernetesError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// There is no kubeconfig and this process does not run in a pod.
        case noKubeconfig
        /// A kubeconfig that is not one, or names something that it does not define.
        case invalidKubeconfig
        /// A file that a kubeconfig names cannot be read or does not hold what it should.
        case unreadableFile
        /// A way to reach a cluster that this client does not speak.
        case unsupported
        /// No credential could be had: the plugin failed, a token file is empty.
        case credential
        /// 401: the credential is not accepted.
        case unauthorized
        /// 403.
        case forbidden
        /// 404: no such object, or the server does not serve this resource.
        case notFound
        /// 409: the object exists already or changed meanwhile.
        case conflict
        /// 410: the resource version or continue token is older than the server remembers.
        case expired
        /// 400, 413, 415, 422: the server does not accept what was sent.
        case invalid
        /// 429, after all retries.
        case throttled
        /// 5xx, after all retries.
        case server
        /// Something answered that is no Kubernetes API server.
        case notKubernetes
        /// The server closed the connection or answered without a body.
        case emptyAnswer
        /// An answer beyond the size limit.
        case tooLarge
        /// An answer that is not the JSON it should be.
        case malformedAnswer
        /// The TLS handshake failed.
        case tls
        /// No connection.
        case connection
        /// No answer in time.
        case timeout
        /// This client does not ask such a question (it never reads Secrets).
        case refused
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?
    /// For `expired` in the middle of a list: the token that goes on with newer data.
    package var fallbackContinue: String?
    /// What the server asked to wait, in seconds.
    package var retryAfter: Double?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message }
}

/// A credential's text. Printing, interpolating or dumping it shows only that there is one.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Only for the place that hands it to the cluster.
    let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { "(hidden)" }
    package var debugDescription: String { "(hidden)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension String {
    /// Outside text made fit for one line of a message: no control characters, no credentials of an echoed request, at most
    /// `limit` characters.
    func excerpt(_ limit: Int = 300) -> String {
        var result = ""
        var count = 0
        for scalar in withoutCredentials.unicodeScalars {
            guard count < limit else { return result + "…" }
            let isControl =
                scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.properties.isBidiControl
            result.unicodeScalars.append(isControl ? " " : scalar)
            count += 1
        }
        return result
    }

    /// The text with the word after every `Bearer` and `Basic` taken out: proxies repeat what they were sent.
    private var withoutCredentials: String {
        guard contains(" ") else { return self }
        var words = split(separator: " ", omittingEmptySubsequences: false)
        for index in words.indices.dropFirst() {
            let before = words[index - 1].lowercased()
            if before.hasSuffix("bearer") || before.hasSuffix("basic") { words[index] = "…" }
        }
        return words.joined(separator: " ")
    }
}

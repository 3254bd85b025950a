// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Glibc

/// How registries are asked, and how long.
package struct RegistryOptions: Sendable {
    /// Registries to ask first, in turn, by the registry they stand for; `*` for any. `mirror.example.org:5000[/prefix]`,
    /// with `http://` before it where it has no TLS. Each gets only credentials of its own.
    package var mirrors: [String: [String]] = [:]
    /// Ask without TLS where there is none. Registries on this machine itself are always asked so.
    package var allowsPlainHTTP = false
    /// Take any certificate.
    package var skipsVerification = false
    /// A PEM file of certificate authorities beside those of the system.
    package var authorities: String?
    /// Where registries may lead; nil: anywhere, for somebody who asks in their own name.
    package var reach: RegistryReach?
    /// Login at the registry; nil: as Docker's and podman's configuration has it.
    package var login: (user: String, password: Secret)?
    /// Logins at registries, in place of that configuration.
    package var logins: RegistryLogins?
    /// Where the configuration and proxies are looked for.
    package var environment = RegistryOptions.processEnvironment
    /// Keeps layers here, checked, for the next time; nil: in private temporary files.
    package var blobFolder: String?
    package var temporaryFolder = PrivateFile.standardFolder

    package var connectTimeout = Duration.seconds(10)
    /// Nothing arrives for so long.
    package var idleTimeout = Duration.seconds(30)
    /// One answer of the registry, a layer's aside.
    package var answerTimeout = Duration.seconds(60)
    /// One layer, all tries together.
    package var blobTimeout = Duration.seconds(3600)
    package var helperTimeout = Duration.seconds(30)
    /// Tries that bring nothing new.
    package var attempts = 5
    /// The first wait between tries; it doubles, with jitter, up to 10 seconds.
    package var backOff = Duration.milliseconds(250)
    /// The longest wait that a registry may ask for.
    package var maxRetryAfter = Duration.seconds(60)
    /// Called as bytes of layers arrive, from any thread.
    package var progress: (@Sendable (BlobProgress) -> Void)?

    package init() {}

    static var processEnvironment: [String: String] {
        var variables: [String: String] = [:]
        for name in [
            "HOME", "PATH", "DOCKER_CONFIG", "DOCKER_HOST", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
        ] {
            if let value = getenv(name) { variables[name] = String(cString: value) }
        }
        return variables
    }
}

/// How much of a layer is here.
package struct BlobProgress: Sendable {
    package var digest: String
    package var received: Int64
    package var total: Int64
}

/// A text that must not get into messages or logs by accident.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { "(secret)" }
    package var debugDescription: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

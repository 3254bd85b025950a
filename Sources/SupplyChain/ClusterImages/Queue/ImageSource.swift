// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Logging
import OCI

/// Where the images of a cluster come from.
package protocol ImageSource: Sendable {
    /// What a reference means now: the digest of a manifest or of an index of platforms.
    func digest(of reference: ImageReference) async throws(OCIError) -> Digest
    /// The image; its layers are fetched when they are read.
    func image(_ reference: ImageReference) async throws(OCIError) -> Image
}

/// The registries themselves, as far as they may be asked.
package struct RegistryImages: ImageSource {
    private let options: RegistryOptions
    private let client: RegistryClient
    /// For short questions: somebody may wait for the answer, and a host that does not answer must not hold up others.
    private let shortOptions: RegistryOptions
    private let lookups: RegistryClient
    private let platform: ImagePlatform?
    private let rules: RegistryRules
    private let pullSecrets: PullSecrets?
    /// Bytes of all layers of an image as they are stored.
    private let sizeLimit: Int64
    private let logger: Logger

    /// - Parameter pullSecrets: logins that pods bring, before those of `options`.
    package init(
        _ options: RegistryOptions, platform: ImagePlatform?, rules: RegistryRules, pullSecrets: PullSecrets? = nil,
        sizeLimit: Int64, logger: Logger
    ) throws(OCIError) {
        var options = options
        let mirrors = options.mirrors.values.joined().map(RegistryRules.host)
        options.reach = RegistryReach { rules.names($0) || mirrors.contains($0) }
        client = try RegistryClient(options, logger: logger)
        var short = options
        short.attempts = 1
        (short.connectTimeout, short.answerTimeout, short.idleTimeout) = (.seconds(5), .seconds(15), .seconds(10))
        lookups = try RegistryClient(short, logger: logger)
        (self.options, shortOptions) = (options, short)
        (self.platform, self.rules, self.pullSecrets) = (platform, rules, pullSecrets)
        (self.sizeLimit, self.logger) = (sizeLimit, logger)
    }

    package func digest(of reference: ImageReference) async throws(OCIError) -> Digest {
        try rules.check(reference)
        var refusals = Refusals()
        for login in await logins(for: reference, &refusals) {
            do throws(OCIError) {
                return try await client(shortOptions, login).digest(of: reference)
            } catch { try refusals.add(error, login) }
        }
        do throws(OCIError) { return try await lookups.digest(of: reference) } catch { throw refusals.all(error) }
    }

    package func image(_ reference: ImageReference) async throws(OCIError) -> Image {
        try rules.check(reference)
        var refusals = Refusals()
        for login in await logins(for: reference, &refusals) {
            do throws(OCIError) {
                return try checked(
                    await client(options, login).image(reference, platform: platform, as: "\(reference)"))
            } catch { try refusals.add(error, login) }
        }
        do throws(OCIError) {
            return try checked(await client.image(reference, platform: platform, as: "\(reference)"))
        } catch { throw refusals.all(error) }
    }

    private func checked(_ image: Image) throws(OCIError) -> Image {
        var size: Int64 = 0
        for layer in image.layers {
            let (sum, overflow) = size.addingReportingOverflow(max(layer.size, 0))
            guard !overflow, sum <= sizeLimit else {
                throw OCIError(.tooLarge, "\(image.reference) has more than \(sizeLimit >> 20) MiB of layers")
            }
            size = sum
        }
        return image
    }

    // MARK: Logins of pods

    private func logins(for reference: ImageReference, _ refusals: inout Refusals) async -> [PullSecrets.Login] {
        guard let pullSecrets else { return [] }
        let (logins, problems) = await pullSecrets.logins(for: reference)
        refusals.texts = problems
        return logins
    }

    /// One of its own for each login: what a registry gives for one must not serve another.
    private func client(_ options: RegistryOptions, _ login: PullSecrets.Login) throws(OCIError) -> RegistryClient {
        var options = options
        options.logins = login.logins
        return try RegistryClient(options, logger: logger)
    }

    /// Why the logins of pods did not serve.
    private struct Refusals {
        var texts: [String] = []

        /// - Throws: what another login does not mend.
        mutating func add(_ error: OCIError, _ login: PullSecrets.Login) throws(OCIError) {
            switch error.code {
            // Registries also say that there is no such image to those who may not know of it.
            case .unauthorized, .notFound, .tooManyRequests:
                texts.append("with the pull secret \(login.name): \(error.message)")
            default: throw error
            }
        }

        func all(_ error: OCIError) -> OCIError {
            guard !texts.isEmpty, error.code != .cancelled else { return error }
            return OCIError(
                error.code, String(([error.message] + texts).joined(separator: "; ").prefix(2_000)), cause: error.cause)
        }
    }
}

/// Which registries may be asked on the word of those who make pods.
///
/// Whoever may make a pod chooses whom this server talks to, and so does a registry that sends us on. Addresses that mean
/// this server itself, or that only this machine can reach, are asked only when an administrator names them.
package struct RegistryRules: Sendable {
    /// `registry.example.com`, `*.example.com`, `localhost:5000`; empty for all but this machine.
    private let allowed: [String]
    /// Hosts in our networks that registries outside may lead to, as above.
    private let inner: [String]

    package init(allowed: [String] = [], inner: [String] = []) {
        self.allowed = allowed.map { $0.lowercased() }
        self.inner = inner.map { $0.lowercased() }
    }

    package func allows(_ registry: String) -> Bool {
        let registry = registry.lowercased()
        return Self.contains(allowed, registry) || (allowed.isEmpty && !Self.isOwn(registry))
    }

    /// Whether an administrator named this host.
    package func names(_ host: String) -> Bool { Self.contains(allowed, host) || Self.contains(inner, host) }

    private static func contains(_ patterns: [String], _ host: String) -> Bool {
        patterns.contains { $0.hasPrefix("*.") ? host.hasSuffix($0.dropFirst()) : host == $0 }
    }

    /// `http://mirror.example.org:5000/prefix` without scheme and prefix.
    static func host(_ mirror: String) -> String {
        var rest = mirror[...].lowercased()[...]
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        return String(rest.prefix { $0 != "/" })
    }

    func check(_ reference: ImageReference) throws(OCIError) {
        guard allows(reference.registry) else {
            throw OCIError(
                .unauthorized,
                "\(reference.registry) may not be asked by this server; --images-registry allows it")
        }
    }

    /// Loopback, this host, and link-local addresses (where clouds keep credentials of machines).
    private static func isOwn(_ registry: String) -> Bool {
        if registry.hasPrefix("[") {
            let host = registry.dropFirst().prefix { $0 != "]" }
            // Mapped and abbreviated forms are many; a registry has a name or an IPv4 address.
            return host.hasPrefix(":") || host.hasPrefix("0") || host.hasPrefix("fe8") || host.hasPrefix("fe9")
                || host.hasPrefix("fea") || host.hasPrefix("feb") || host.hasPrefix("fd00:ec2")
        }
        var host = registry.prefix { $0 != ":" }
        while host.last == "." { host = host.dropLast() }
        if host == "localhost" || host.hasSuffix(".localhost") || host == "metadata.google.internal" { return true }
        // Also the forms that only old programs write: 127.1, 0x7f000001, 2130706433.
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        guard let last = parts.last, let digit = last.utf8.first, (0x30...0x39).contains(digit) else { return false }
        guard parts.count == 4, parts.allSatisfy({ UInt8($0) != nil && ($0.count == 1 || !$0.hasPrefix("0")) }) else {
            return true
        }
        return parts[0] == "127" || parts[0] == "0" || (parts[0] == "169" && parts[1] == "254")
    }
}

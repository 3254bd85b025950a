// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Documents
import Foundation

/// How this user logs in at a registry.
enum RegistryLogin: Sendable, Hashable {
    case password(user: String, Secret)
    /// An identity token, which gets access tokens at the registry's token service.
    case identity(Secret)
    /// Goes to the registry as it is.
    case bearer(Secret)
}

/// Looks logins up where Docker and podman keep them: `config.json`, `auth.json` and credential helpers.
struct RegistryCredentials: Sendable {
    let options: RegistryOptions

    /// Podman's files before Docker's, as podman has it; `REGISTRY_AUTH_FILE` and `DOCKER_CONFIG` name others.
    private var files: [String] {
        let environment = options.environment
        if let file = environment["REGISTRY_AUTH_FILE"], !file.isEmpty { return [file] }
        var files: [String] = []
        let home = environment["HOME"] ?? ""
        if let folder = environment["XDG_RUNTIME_DIR"], !folder.isEmpty {
            files.append(folder + "/containers/auth.json")
        }
        if let folder = environment["XDG_CONFIG_HOME"], !folder.isEmpty {
            files.append(folder + "/containers/auth.json")
        } else if !home.isEmpty {
            files.append(home + "/.config/containers/auth.json")
        }
        if let folder = environment["DOCKER_CONFIG"], !folder.isEmpty {
            files.append(folder + "/config.json")
        } else if !home.isEmpty {
            files.append(home + "/.docker/config.json")
        }
        return files
    }

    /// - Throws: `malformed`, `unreadable` for a file that cannot be used, `unauthorized` for a helper that fails.
    ///   None of them tells a secret.
    func login(registry: String, repository: String) throws(OCIError) -> RegistryLogin? {
        if let login = options.login { return .password(user: login.user, login.password) }
        if let logins = options.logins { return try logins.login(registry: registry, repository: repository) }
        for file in files {
            guard let root = try read(file) else { continue }
            let names = Self.names(registry, repository)
            if let helpers = root["credHelpers"], helpers.isObject {
                for name in names {
                    for (key, value) in helpers.members where Self.host(key.string) == name {
                        guard let helper = value.string, !helper.isEmpty else { continue }
                        if let login = try ask(helper, registry, file) { return login }
                    }
                }
            }
            if let auths = root["auths"], auths.isObject {
                for name in names {
                    for (key, entry) in auths.members where Self.host(key.string) == name {
                        if let login = try Self.read(entry, key.string, file) { return login }
                    }
                }
            }
            if let helper = root["credsStore"]?.string, !helper.isEmpty,
                let login = try ask(helper, registry, file)
            {
                return login
            }
        }
        return nil
    }

    /// From the most to the least exact: podman allows a login for a part of a registry.
    static func names(_ registry: String, _ repository: String) -> [String] {
        var names: [String] = []
        var parts = repository.split(separator: "/")
        while !parts.isEmpty {
            names.append("\(registry)/\(parts.joined(separator: "/"))")
            parts.removeLast()
        }
        names.append(registry)
        return names
    }

    /// Docker writes some keys as addresses: `https://index.docker.io/v1/` is `docker.io`.
    static func host(_ key: String) -> String {
        var name = key[...]
        for scheme in ["https://", "http://"] where name.hasPrefix(scheme) {
            name = name.dropFirst(scheme.count)
            name = name.prefix { $0 != "/" }
        }
        while name.last == "/" { name = name.dropLast() }
        let first = name.prefix { $0 != "/" }
        if ["index.docker.io", "registry-1.docker.io"].contains(first) {
            let rest = name.dropFirst(first.count)
            return ImageReference.defaultRegistry + (rest == "/v1" || rest == "/v2" ? "" : rest)
        }
        return String(name)
    }

    private func read(_ file: String) throws(OCIError) -> Node? {
        guard access(file, F_OK) == 0 else {
            guard errno == ENOENT || errno == ENOTDIR else {
                throw OCIError(.unreadable, "\(file.plain()): \(String(cString: strerror(errno)))")
            }
            return nil
        }
        let bytes = try FileRange.opened(file).contents(limit: 1 << 20, name: file)
        if bytes.allSatisfy({ [0x20, 0x0A, 0x0D, 0x09].contains($0) }) { return nil }
        do throws(OCIError) { return try JSONFields(bytes, name: file, limit: 1 << 20).root } catch {
            // Without the cause, which may quote what stands there.
            throw OCIError(.malformed, "\(file.plain()) is no JSON object")
        }
    }

    static func read(_ entry: Node, _ key: String, _ file: String) throws(OCIError) -> RegistryLogin? {
        if let token = entry["identitytoken"]?.string, !token.isEmpty { return .identity(Secret(token)) }
        if let token = entry["registrytoken"]?.string, !token.isEmpty { return .bearer(Secret(token)) }
        if let text = entry["auth"]?.string, !text.isEmpty {
            guard let data = Data(base64Encoded: text), let colon = data.firstIndex(of: UInt8(ascii: ":")) else {
                throw OCIError(.malformed, "\(file.plain()): auth of \(key.excerpt()) is no user:password in base64")
            }
            // Docker fills up with NUL.
            let password = data[data.index(after: colon)...].filter { $0 != 0 }
            return .password(
                user: String(decoding: data[..<colon], as: UTF8.self), Secret(String(decoding: password, as: UTF8.self))
            )
        }
        guard let user = entry["username"]?.string, !user.isEmpty, let password = entry["password"]?.string else {
            return nil
        }
        return .password(user: user, Secret(password))
    }

    private func ask(_ helper: String, _ registry: String, _ file: String) throws(OCIError) -> RegistryLogin? {
        guard helper.utf8.count <= 100, helper.utf8.allSatisfy({ $0.isAlphanumeric || "._-".utf8.contains($0) }) else {
            throw OCIError(.malformed, "\(file.plain()): \(helper.excerpt()) is no name of a credential helper")
        }
        let program = "docker-credential-\(helper)"
        let isDefault = registry == ImageReference.defaultRegistry
        let result: CredentialHelper.Result
        do throws(CredentialHelper.Failure) {
            var environment = options.environment
            for (name, value) in ProcessInfo.processInfo.environment where environment[name] == nil {
                environment[name] = value
            }
            result = try CredentialHelper.run(
                program, input: isDefault ? "https://index.docker.io/v1/" : registry, environment: environment,
                limit: options.helperTimeout)
        } catch {
            let why =
                switch error {
                case .notFound: "is not installed, but \(file.plain()) asks for it"
                case .cannotRun(let code): "cannot be run: \(String(cString: strerror(code)))"
                case .timeout: "gave no answer within \(options.helperTimeout.components.seconds) s"
                case .tooMuchOutput: "printed more than a login"
                }
            throw OCIError(.unauthorized, "credential helper \(program) \(why)")
        }
        guard result.status == 0 else {
            let words = String(decoding: result.output, as: UTF8.self).lowercased()
            if words.contains("credentials not found") { return nil }
            // What it printed may be a secret.
            throw OCIError(.unauthorized, "credential helper \(program) failed with status \(result.status)")
        }
        guard let root = try? JSONReader.read(result.output, source: program).root, let secret = root["Secret"]?.string,
            let user = root["Username"]?.string
        else { throw OCIError(.unauthorized, "credential helper \(program) printed no login") }
        if secret.isEmpty { return nil }
        return user == "<token>" ? .identity(Secret(secret)) : .password(user: user, Secret(secret))
    }
}

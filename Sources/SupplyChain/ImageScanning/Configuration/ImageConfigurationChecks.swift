// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import OCI
import Secrets

/// Judges what an image says of itself: its account, environment, ports, labels and the steps it was built by.
package enum ImageConfigurationChecks {
    /// The problems of an image.
    /// - Parameters:
    ///   - reference: `registry/repository:tag` where known; what is no reference (a file) is not judged by its tag.
    ///   - secrets: finds the secrets in environment, history and labels.
    package static func judge(
        _ configuration: ImageConfiguration, reference: String, secrets: SecretScanner
    ) -> [ImageCheckResult] {
        var results: [ImageCheckResult] = []
        judgeAccount(configuration, &results)
        judgeEnvironment(configuration, secrets, &results)
        judgeLabels(configuration, secrets, &results)
        judgeReference(reference, &results)
        judgeStart(configuration, &results)
        if configuration.history.isEmpty {
            results.append(
                ImageCheckResult(noHistory, .warn, "there is no build step in the history", path: "history"))
        }
        for (index, step) in configuration.history.enumerated() {
            ImageSteps.judge(step.createdBy, "history[\(index)]", secrets, &results)
        }
        return results
    }

    private static func judgeAccount(_ configuration: ImageConfiguration, _ results: inout [ImageCheckResult]) {
        let account =
            configuration.user.split(separator: ":", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        let isRoot = account.isEmpty || account == "root" || (!account.isEmpty && account.allSatisfy { $0 == "0" })
        if isRoot {
            results.append(
                ImageCheckResult(
                    runsAsRoot,
                    account.isEmpty ? "no account is set, so that it is root" : "the account is \(account)",
                    path: "config.User", value: configuration.user))
        }
        for port in configuration.exposedPorts where port == "22" || port == "22/tcp" {
            results.append(ImageCheckResult(sshPort, "port 22 is exposed", path: "config.ExposedPorts", value: port))
        }
        for volume in configuration.volumes {
            let path = volume.hasSuffix("/") && volume.count > 1 ? String(volume.dropLast()) : volume
            guard sensitivePlaces.contains(path) || path.hasSuffix(".sock") else { continue }
            results.append(
                ImageCheckResult(sensitiveVolume, "\(path) is a volume", path: "config.Volumes", value: volume))
        }
        let test = configuration.healthcheck.first
        if test == nil || test == "NONE" {
            results.append(
                ImageCheckResult(noHealthcheck, .warn, "no command is set", path: "config.Healthcheck"))
        }
    }

    private static let sensitivePlaces: Set<String> = [
        "/", "/etc", "/root", "/root/.ssh", "/proc", "/sys", "/dev", "/boot", "/var/run", "/run", "/usr", "/lib",
        "/var/lib/docker", "/var/lib/kubelet",
    ]

    private static func judgeEnvironment(
        _ configuration: ImageConfiguration, _ secrets: SecretScanner, _ results: inout [ImageCheckResult]
    ) {
        for entry in configuration.environment {
            let (name, value) = split(entry)
            let path = "config.Env.\(ImageCheckResult.clip(name, 80))"
            if let match = ImageSecrets.first(entry, secrets) {
                results.append(
                    ImageCheckResult(
                        secretInEnvironment, "\(name) holds: \(match.title)", path: path, value: match.excerpt))
            } else if ImageSecrets.looksSecret(name: name, value: value) {
                results.append(
                    ImageCheckResult(
                        secretInEnvironment, .warn, "\(name) has a value of \(value.utf8.count) bytes", path: path))
            }
            if ["LD_PRELOAD", "LD_AUDIT"].contains(name), !value.isEmpty {
                results.append(ImageCheckResult(loaderVariable, "\(name) is set", path: path, value: value))
            }
            if name == "PATH" {
                for folder in value.split(separator: ":", omittingEmptySubsequences: false)
                where folder.isEmpty || folder == "." || ImageBehaviour.isTemporary(folder.dropFirst()) {
                    results.append(
                        ImageCheckResult(
                            writablePath,
                            folder.isEmpty ? "an empty part means the folder one is in" : "\(folder) is in it",
                            path: path, value: value))
                    break
                }
            }
            if ImageSteps.switchesCheckOff(name: name, value: value) {
                results.append(ImageCheckResult(unverified, "\(name) is \(value)", path: path, value: entry))
            }
        }
    }

    private static func judgeLabels(
        _ configuration: ImageConfiguration, _ secrets: SecretScanner, _ results: inout [ImageCheckResult]
    ) {
        for (name, value) in configuration.labels.sorted(by: { $0.key < $1.key }) {
            let path = "config.Labels.\(ImageCheckResult.clip(name, 80))"
            if let match = ImageSecrets.first("\(name)=\(value)", secrets) {
                results.append(
                    ImageCheckResult(secretInLabel, "it holds: \(match.title)", path: path, value: match.excerpt))
            }
        }
        let label = "org.opencontainers.image.base.name"
        if let base = configuration.labels[label], isMoving(base) {
            results.append(
                ImageCheckResult(movingBase, "the base is \(base)", path: "config.Labels.\(label)", value: base))
        }
    }

    private static func judgeReference(_ reference: String, _ results: inout [ImageCheckResult]) {
        guard !reference.isEmpty, !reference.hasPrefix("/"), !reference.hasPrefix("."), isMoving(reference) else {
            return
        }
        results.append(
            ImageCheckResult(movingTag, "the image is called \(reference)", path: "reference", value: reference))
    }

    /// Whether a reference has neither a digest nor a tag other than `latest`.
    static func isMoving(_ reference: String) -> Bool {
        if reference.contains("@") || reference == "scratch" { return false }
        let name = reference.split(separator: "/").last ?? ""
        guard let colon = name.lastIndex(of: ":") else { return true }
        return name[name.index(after: colon)...] == "latest"
    }

    private static func judgeStart(_ configuration: ImageConfiguration, _ results: inout [ImageCheckResult]) {
        let words = configuration.entrypoint + configuration.command
        let start = words.joined(separator: " ")
        if let program = words.first, ImageBehaviour.isTemporary(program.dropFirst()) {
            results.append(
                ImageCheckResult(startsFromTemporary, "it starts \(program)", path: "config.Entrypoint", value: start))
        }
        if words.contains(where: { $0 == "sshd" || $0.hasSuffix("/sshd") || $0.contains("/usr/sbin/sshd") }) {
            results.append(ImageCheckResult(sshServer, "sshd is started", path: "config.Entrypoint", value: start))
        }
        if let found = ImageBehaviour.shellToElsewhere.match(start) {
            results.append(
                ImageCheckResult(
                    ImageBehaviour.reverseShell, "the command connects a shell to another machine",
                    path: "config.Entrypoint", value: found))
        }
    }

    /// `NAME=value`
    static func split(_ entry: String) -> (name: String, value: String) {
        guard let equals = entry.firstIndex(of: "=") else { return (entry, "") }
        return (String(entry[..<equals]), String(entry[entry.index(after: equals)...]))
    }
}

/// Finds secrets in short texts.
enum ImageSecrets {
    /// The first secret of a text, as if it stood in a file of settings.
    static func first(_ text: String, _ secrets: SecretScanner) -> SecretMatch? {
        var text = text
        var matches: [SecretMatch] = []
        text.withUTF8 { secrets.scan(UnsafeRawBufferPointer($0), path: ".env", into: &matches) }
        return matches.first
    }

    static let names = ImagePattern(
        "(?i)(?:^|_)(?:password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key|secret_?key|credentials?)$"
    )
    static let harmless = ImagePattern(
        "(?i)^(?:|true|false|yes|no|on|off|none|null|[0-9]+|[/.~].*|https?://[^:@]*|\\$.*|<.*|file|random|required|disabled?|enabled?)$"
    )

    /// Whether a variable is named for a secret and has a value that is one, if only a weak one.
    static func looksSecret(name: String, value: String) -> Bool {
        names.match(name) != nil && harmless.match(value) == nil
    }
}

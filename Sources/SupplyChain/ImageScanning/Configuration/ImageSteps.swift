// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Secrets

/// Judges one build step by its text in the history, as Docker, BuildKit, Podman and Kaniko write it.
enum ImageSteps {
    private struct Rule: Sendable {
        var check: Check
        var pattern: ImagePattern
        var message: String
    }

    private static let rules: [Rule] = [
        Rule(
            check: ImageConfigurationChecks.addsFromAddress,
            pattern: ImagePattern(
                "(?i)^(?:/bin/sh -c #\\(nop\\)\\s+)?ADD\\s+(?:--[a-z]+=\\S+\\s+)*(?:https?|ftp)://\\S+"),
            message: "it adds from an address"),
        Rule(
            check: ImageConfigurationChecks.fetchesAndRuns,
            pattern: ImagePattern(
                "(?:\\b(?:curl|wget)\\b[^|;&]{0,300}\\|\\s*(?:sudo\\s+(?:-\\S+\\s+)*)?(?:env\\s+\\S+\\s+)?(?:/bin/|/usr/bin/)?(?:ba|z|da|k)?sh\\b|\\b(?:ba|z|da)?sh\\s+(?:-c\\s+)?[\"']?(?:<\\(|\\$\\()\\s*(?:curl|wget)\\b|\\b(?:curl|wget)\\b[^|;&]{0,300}\\|\\s*(?:sudo\\s+)?(?:python[0-9.]*|perl|ruby|node|php)\\b)"
            ),
            message: "it pipes what it fetches into an interpreter"),
        Rule(
            check: ImageConfigurationChecks.sudo,
            pattern: ImagePattern(
                "(?:\\b(?:apt|apt-get|yum|dnf|microdnf|zypper)\\b[^|;&]{0,400}\\binstall\\b[^|;&]*\\ssudo(?:[\\s=;&]|$)|\\bapk\\b[^|;&]{0,80}\\badd\\b[^|;&]*\\ssudo(?:[\\s=;&]|$))"
            ),
            message: "it installs sudo"),
        Rule(
            check: ImageConfigurationChecks.openPermissions,
            pattern: ImagePattern(
                "\\bchmod\\s+(?:-[A-Za-z]+\\s+|--\\S+\\s+)*(?:0?[0-7]?[0-7][0-7][2367]|(?:a|o|ugo|go|)\\+[rx]*w[rxX]*)\\s+\\S+"
            ),
            message: "it lets everybody write"),
        Rule(
            check: ImageConfigurationChecks.setuidByHistory,
            pattern: ImagePattern(
                "\\bchmod\\s+(?:-[A-Za-z]+\\s+)*(?:0?[246][0-7]{3}|[ugoa]*\\+[rwxX]*s[rwxX]*)\\s+\\S+"),
            message: "it sets the bit"),
        Rule(
            check: ImageConfigurationChecks.sudoWithoutPassword,
            pattern: ImagePattern("(?s)NOPASSWD:?\\s*(?:ALL|/).{0,200}sudoers|sudoers.{0,200}NOPASSWD"),
            message: "it writes NOPASSWD into sudoers"),
        Rule(
            check: ImageConfigurationChecks.unverified,
            pattern: ImagePattern(
                "\\bcurl\\s(?:[^|;&]{0,200}\\s)?(?:-[a-zA-Z]*k[a-zA-Z]*|--insecure)\\s|\\bwget\\s[^|;&]{0,200}--no-check-certificate|\\b(?:apt|apt-get)\\b[^|;&]{0,200}--(?:allow-unauthenticated|force-yes)|AllowInsecureRepositories=true|--allow-insecure-repositories|\\b(?:yum|dnf|zypper|rpm)\\b[^|;&]{0,200}--(?:nogpgcheck|no-gpg-checks|nosignature)|\\bapk\\b[^|;&]{0,200}--allow-untrusted|\\bstrict-ssl[\\s=]+false|\\bhttp\\.sslVerify[\\s=]+false|--trusted-host\\b|GIT_SSL_NO_VERIFY=(?:1|true)|NODE_TLS_REJECT_UNAUTHORIZED=[\"']?0"
            ),
            message: "it switches a check off"),
        Rule(
            check: ImageConfigurationChecks.tools,
            pattern: ImagePattern(
                "\\b(?:apt|apt-get|yum|dnf|apk)\\b[^|;&]{0,200}\\b(?:install|add)\\b[^|;&]*\\s(?:nmap|masscan|netcat|netcat-openbsd|netcat-traditional|nc|ncat|nmap-ncat|tcpdump|socat|hydra|john|sqlmap|ettercap\\S*|wireshark|tshark|telnet)(?:[\\s=;&]|$)"
            ),
            message: "it installs such a tool"),
    ]

    private static let password = ImagePattern(
        "(?:\\becho\\b[^|;&]{0,40}[a-z_][a-z0-9_-]{0,31}:[^|;&$\\s]{1,64}[\"']?\\s*\\|\\s*(?:sudo\\s+)?chpasswd|\\bpasswd\\b[^|;&]{0,60}--stdin|\\b(?:useradd|usermod|adduser)\\b[^|;&]{0,200}\\s(?:-p|--password)[\\s=]+[^\\s$-])"
    )
    private static let update = ImagePattern(
        "^(?:RUN\\s+)?(?:/bin/(?:ba)?sh\\s+-c\\s+)?\\s*(?:apt-get|apt|apk|yum|dnf)\\s+(?:-\\S+\\s+)*(?:update|makecache)\\s*(?:#.*)?$"
    )
    private static let installs = ImagePattern(
        "\\b(apt-get|apt|apk|yum|dnf|microdnf|zypper)\\s+(?:-\\S+\\s+)*(?:install|add)\\b")
    private static let cleans = ImagePattern(
        "/var/lib/apt/lists|/var/cache/apk|--no-cache\\b|\\bclean\\s+(?:all|packages)?|--mount=type=cache|/var/cache/(?:yum|dnf)|zypper\\s+(?:clean|cc)"
    )
    private static let secretVariable = ImagePattern(
        "(?i)(?:^|[\\s|])(?:ENV|ARG|export|\\|[0-9]+)\\s+([a-z0-9_]{0,40}(?:password|passwd|secret|token|api_?key|access_?key))[= ][\"']?([^\\s\"'$<]{4,})"
    )

    /// All patterns, which the tests compile.
    static var patterns: [ImagePattern] { rules.map(\.pattern) + [password, update, installs, cleans, secretVariable] }

    static func judge(
        _ text: String, _ path: String, _ secrets: SecretScanner, _ results: inout [ImageCheckResult]
    ) {
        // Kilobytes are usual for heredocs; more says nothing new, and history comes from whoever made the image.
        var text = text
        if text.utf8.count > 64 << 10 { text = String(decoding: text.utf8.prefix(64 << 10), as: UTF8.self) }
        let secret = ImageSecrets.first(text.replacingSpacesByLines, secrets)
        if let secret {
            results.append(
                ImageCheckResult(
                    ImageConfigurationChecks.secretInHistory, "the step shows: \(secret.title)", path: path,
                    value: secret.excerpt))
        } else if let found = secretVariable.match(text),
            let name = found.split(whereSeparator: { " =".contains($0) }).dropFirst().first
        {
            results.append(
                ImageCheckResult(
                    ImageConfigurationChecks.secretInHistory, .warn, "the step gives a value to \(name)", path: path))
        }
        if password.match(text) != nil {
            results.append(
                ImageCheckResult(ImageConfigurationChecks.passwordByHistory, "the step sets a password", path: path))
        }
        for rule in rules {
            guard let found = rule.pattern.match(text) else { continue }
            // What matched could hold the secret; then it is not shown.
            results.append(
                ImageCheckResult(rule.check, rule.message, path: path, value: secret == nil ? found : ""))
        }
        if update.match(text) != nil {
            results.append(
                ImageCheckResult(ImageConfigurationChecks.updateAlone, .warn, "it does nothing else", path: path))
        }
        if let found = installs.match(text), cleans.match(text) == nil {
            results.append(
                ImageCheckResult(
                    ImageConfigurationChecks.packageCache, .warn, "\(found) is not followed by a clean-up", path: path))
        }
        if let found = ImageBehaviour.shellToElsewhere.match(text) {
            results.append(
                ImageCheckResult(
                    ImageBehaviour.reverseShell, "the step connects a shell to another machine", path: path,
                    value: found))
        }
    }

    /// Variables that make programs accept any certificate.
    static func switchesCheckOff(name: String, value: String) -> Bool {
        switch name {
        case "NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY": value == "0"
        case "GIT_SSL_NO_VERIFY": value == "1" || value == "true"
        case "NPM_CONFIG_STRICT_SSL", "npm_config_strict_ssl": value == "false"
        case "GOINSECURE", "PIP_TRUSTED_HOST": !value.isEmpty
        default: false
        }
    }
}

extension String {
    /// Words as lines of their own, so that rules for settings see `NAME=value` in the middle of a command.
    fileprivate var replacingSpacesByLines: String {
        // A whole command stays as the first line for what looks at several words.
        self + "\n" + String(decoding: utf8.map { $0 == 0x20 || $0 == 0x09 ? 0x0A : $0 }, as: UTF8.self)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// Small files that say who may do what in a container, and what runs in it.
enum FileRole: Hashable {
    case startScript, job, accounts, shadow, sudoers, preload, authorizedKeys, hostKey, keyStore, shellHistory,
        repository

    private static let keyStores = [".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk", ".bks"]

    /// Turns nearly every file away by its first letters and the last two of its name, without an allocation.
    private static func mayBeOne(_ path: String) -> Bool {
        var path = path
        return path.withUTF8 { bytes in
            guard bytes.count >= 4 else { return false }
            let first = UInt32(bytes[0]) << 24 | UInt32(bytes[1]) << 16 | UInt32(bytes[2]) << 8 | UInt32(bytes[3])
            switch first {
            // etc/, var/ (cron's spool), dock (er-entrypoint.d)
            case 0x6574_632F, 0x646F_636B: return true
            case 0x7661_722F where bytes.count > 15 && bytes[4] == UInt8(ascii: "s") && bytes[9] == UInt8(ascii: "/"):
                return true
            default: break
            }
            switch (bytes[bytes.count - 2], bytes[bytes.count - 1]) {
            case (UInt8(ascii: "y"), UInt8(ascii: "s")), (UInt8(ascii: "s"), UInt8(ascii: "2")),
                (UInt8(ascii: "r"), UInt8(ascii: "y")), (UInt8(ascii: "r"), UInt8(ascii: "c")),
                (UInt8(ascii: "l"), UInt8(ascii: "e")), (UInt8(ascii: "i"), UInt8(ascii: "n")),
                (UInt8(ascii: "s"), UInt8(ascii: "h")), (UInt8(ascii: "n"), UInt8(ascii: "t")),
                (UInt8(ascii: "s"), UInt8(ascii: "a")), (UInt8(ascii: "1"), UInt8(ascii: "9")),
                (UInt8(ascii: "A"), UInt8(ascii: "D")), (UInt8(ascii: "1"), UInt8(ascii: "2")),
                (UInt8(ascii: "f"), UInt8(ascii: "x")), (UInt8(ascii: "k"), UInt8(ascii: "s")),
                (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "b"), UInt8(ascii: "x")),
                (UInt8(ascii: "p"), UInt8(ascii: "k")):
                return true
            default: return false
            }
        }
    }

    /// Whether root runs what stands in it.
    var isRun: Bool { self == .startScript || self == .job || self == .preload || self == .sudoers }

    /// By a path without its first slash; nil for nearly all files.
    init?(_ path: String) {
        guard Self.mayBeOne(path) else { return nil }
        let name = ImageBehaviour.lastPart(path)
        if path.hasPrefix("etc/") {
            switch path {
            case "etc/passwd": self = .accounts
            case "etc/shadow": self = .shadow
            case "etc/sudoers": self = .sudoers
            case "etc/ld.so.preload": self = .preload
            case "etc/crontab", "etc/anacrontab": self = .job
            case "etc/rc.local", "etc/profile", "etc/bash.bashrc", "etc/inittab", "etc/environment": self = .startScript
            default:
                if path.hasPrefix("etc/cron.") || path.hasPrefix("etc/crontabs/") {
                    self = .job
                } else if path.hasPrefix("etc/init.d/") || path.hasPrefix("etc/profile.d/")
                    || path.hasPrefix("etc/systemd/system/") || path.hasPrefix("etc/s6-overlay/")
                    || path.hasPrefix("etc/cont-init.d/") || path.hasPrefix("etc/services.d/")
                    || path.hasPrefix("etc/update-motd.d/") || path.hasPrefix("etc/NetworkManager/dispatcher.d/")
                {
                    self = .startScript
                } else if path.hasPrefix("etc/sudoers.d/") {
                    self = .sudoers
                } else if path.hasPrefix("etc/ssh/ssh_host_"), path.hasSuffix("_key") {
                    self = .hostKey
                } else {
                    return nil
                }
            }
            return
        }
        if path.hasPrefix("var/spool/cron/") {
            self = .job
            return
        }
        switch name {
        case "authorized_keys", "authorized_keys2": self = .authorizedKeys
        case ".bash_history", ".zsh_history", ".ash_history", ".sh_history", ".python_history", ".mysql_history",
            ".psql_history":
            self = .shellHistory
        case ".bashrc", ".profile", ".bash_profile", ".zshrc", ".bash_login", ".xinitrc", "entrypoint.sh",
            "docker-entrypoint.sh", "entrypoint", "start.sh", "run.sh", "init.sh", "docker-entrypoint", "bootstrap.sh",
            "startup.sh", "cmd.sh":
            self = .startScript
        case "id_rsa", "id_ed25519", "id_ecdsa", "id_dsa": self = .keyStore
        case "HEAD" where path.hasSuffix(".git/HEAD"): self = .repository
        default:
            if !path.utf8.contains(UInt8(ascii: "/")), name.hasSuffix(".sh") {
                self = .startScript
            } else if path.hasPrefix("docker-entrypoint.d/") || path.hasPrefix("docker-entrypoint-initdb.d/") {
                self = .startScript
            } else if Self.keyStores.contains(where: {
                name.hasSuffix($0)
            }) {
                self = .keyStore
            } else {
                return nil
            }
        }
    }
}

enum ImageTexts {
    static func judge(_ file: ImageFile, _ role: FileRole, _ results: inout [ImageCheckResult]) {
        func add(_ check: Check, _ outcome: Outcome, _ message: String, _ value: String = "") {
            ImageBehaviour.add(check, outcome, message, file, &results, value: value)
        }
        guard file.size > 0 || file.contents?.isEmpty == false else { return }
        switch role {
        case .hostKey: return add(ImageBehaviour.hostKey, .fail, "the key is in the image")
        case .keyStore:
            // Java's own store of public roots is named like one of keys.
            if file.isPackaged || file.path.hasSuffix("/cacerts.jks") || file.path.contains("/test") { return }
            return add(ImageBehaviour.keyStore, .warn, "the file is in the image")
        case .repository: return add(ImageBehaviour.repository, .warn, "the repository is in the image")
        case .shellHistory: return add(ImageBehaviour.history, .warn, "it has \(file.size) bytes")
        default: break
        }
        guard let contents = file.contents else {
            return add(
                ImageBehaviour.unread, .error,
                "it has \(file.size) bytes; at most \(ImageBehaviour.contentsLimit) are judged")
        }
        let lines = contents.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
            .filter { line in
                let first = line.first { $0 != 0x20 && $0 != 0x09 }
                return first != nil && first != UInt8(ascii: "#")
            }
        switch role {
        case .preload:
            if let line = lines.first { add(ImageBehaviour.preload, .fail, "it names a library", text(line)) }
        case .authorizedKeys:
            if !lines.isEmpty { add(ImageBehaviour.authorizedKeys, .fail, "\(lines.count) keys may log in") }
        case .accounts: judgeAccounts(lines) { add($0, $1, $2, $3) }
        case .shadow:
            for line in lines {
                let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
                if fields.count > 2, fields[1].isEmpty {
                    add(ImageBehaviour.noPassword, .fail, "\(text(fields[0])) has an empty password")
                }
            }
        case .sudoers:
            for line in lines {
                let line = text(line)
                guard line.contains("NOPASSWD"), line.hasSuffix("ALL"), !line.hasPrefix("root") else { continue }
                add(ImageBehaviour.sudoers, .fail, "a rule asks for no password", line)
            }
        case .startScript, .job: judgeScript(lines) { add($0, $1, $2, $3) }
        default: break
        }
    }

    private static func judgeAccounts(_ lines: [ArraySlice<UInt8>], _ add: (Check, Outcome, String, String) -> Void) {
        for line in lines {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count >= 4 else { continue }
            let name = text(fields[0])
            if fields[2].allSatisfy({ $0 == UInt8(ascii: "0") }), !fields[2].isEmpty, name != "root" {
                add(ImageBehaviour.secondRoot, .fail, "\(name) has the number 0", "")
            }
            if fields[1].isEmpty { add(ImageBehaviour.noPassword, .fail, "\(name) has an empty password", "") }
        }
    }

    /// Comments are no commands, so they were taken away before.
    private static func judgeScript(_ lines: [ArraySlice<UInt8>], _ add: (Check, Outcome, String, String) -> Void) {
        let script = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
        script.withUnsafeBufferPointer { script in
            if let found = ImageBehaviour.shellToElsewhere.match(script) {
                add(ImageBehaviour.reverseShell, .fail, "it connects a shell to another machine", found)
            }
            if let found = ImageBehaviour.fetchesAndRuns.match(script) {
                add(ImageBehaviour.fetchingJob, .fail, "it runs what it fetches", found)
            }
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix(200), as: UTF8.self)
    }
}

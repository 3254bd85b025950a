// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Inventory

struct PackageReadersTests {
    @Test(arguments: [
        ("var/lib/dpkg/status", "dpkg status"), ("sysroot/var/lib/dpkg/status", "dpkg status"),
        ("var/lib/dpkg/status.d/base", "dpkg status"), ("usr/lib/opkg/status", "dpkg status"),
    ])
    func finds(path: String, name: String) {
        #expect(PackageReaders.standard.reader(for: path)?.name == name)
    }

    @Test(arguments: [
        "", "status", "etc/status", "xvar/lib/dpkg/status", "var/lib/dpkg/status-old",
        "var/lib/dpkg/status.d/base.md5sums",
        "var/lib/dpkg/status.d", "usr/share/doc/a.txt", "a/.", "/", "var/lib/dpkg/status.d/",
    ])
    func passesOver(path: String) {
        #expect(PackageReaders.standard.reader(for: path) == nil)
    }

    @Test func knowsExecutables() {
        let starts: [([UInt8], Bool)] = [
            ([0x7F, 0x45, 0x4C, 0x46], true), ([0x4D, 0x5A, 0, 0], true), ([0xCF, 0xFA, 0xED, 0xFE], true),
            ([0x23, 0x21, 0x2F, 0x62], false), ([0x7F], false), ([], false),
        ]
        for (start, isExecutable) in starts {
            #expect(start.withUnsafeBytes { PackageReaders.isExecutable($0) } == isExecutable)
        }
    }
}

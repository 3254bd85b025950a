// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Inventory

struct DpkgTests {
    @Test func readsInstalledOnes() throws {
        let text = """
            Package: libc6
            Status: install ok installed
            Priority: optional
            Architecture: amd64
            Multi-Arch: same
            Source: glibc
            Version: 2.36-9+deb12u14
            Description: GNU C Library
             Contains: no field
             Version: 9

            Package: bash
            Status: hold ok half-configured
            Architecture: amd64
            Source: bash (5.2.15-2)
            Version: 5.2.15-2+b13

            Package: gone
            Status: deinstall ok config-files
            Architecture: amd64
            Version: 1

            Package: never
            Status: unknown ok not-installed
            Architecture: amd64


            package: last
            STATUS: install ok triggers-pending
            version:  1:2.3-4~rc1
            """
        let found = try packages(in: text, path: "var/lib/dpkg/status")
        #expect(lines(found) == ["libc6 2.36-9+deb12u14", "bash 5.2.15-2+b13", "last 1:2.3-4~rc1"])
        #expect(found.map(\.source) == ["glibc", "bash", ""])
        #expect(found.map(\.sourceVersion) == ["2.36-9+deb12u14", "5.2.15-2", ""])
        #expect(found[0].architecture == "amd64")
        #expect(found.allSatisfy { $0.kind == .deb && $0.path == "var/lib/dpkg/status" })
    }

    @Test func readsDistroless() throws {
        let text = "Package: base-files\r\nVersion: 12.4+deb12u5\r\nArchitecture: amd64\r\n"
        #expect(try lines(packages(in: text, path: "var/lib/dpkg/status.d/base")) == ["base-files 12.4+deb12u5"])
        #expect(try packages(in: "", path: "var/lib/dpkg/status").isEmpty)
    }

    @Test func saysWhatIsWrongAndKeepsTheRest() throws {
        let text = """
            Package: a
            Status: install ok installed

            Version: 1

            Package: b
            Status: installed
            Version: 1

            Package: c
            Status: install ok installed
            Version: 3
            """
        let error = try #require(failure(in: text, path: "var/lib/dpkg/status"))
        #expect(error.code == .malformed)
        #expect(error.message == "var/lib/dpkg/status: line 1: a has no version (and 2 more errors)")
        #expect(lines(error.found) == ["c 3"])
    }

    @Test func readsChisel() throws {
        // What is not packed passes as it is.
        let text = """
            {"jsonwall":"1.0","schema":"1.0","count":3}
            {"kind":"content","slice":"base-files_base","path":"/etc/"}
            {"kind":"package","name":"base-files","version":"12ubuntu4.6","sha256":"00","arch":"amd64"}

            """
        let path = "var/lib/chisel/manifest.wall"
        #expect(try lines(packages(in: text, path: path)) == ["base-files 12ubuntu4.6"])
        #expect(failure(in: "{\"kind\": \"package\"}", path: path) != nil)
        #expect(failure(in: "nothing", path: path) != nil)
    }

    @Test func readsApk() throws {
        let text = """
            C:Q1zwvKMnYs1b6ZdPTBJ0Z7D5P3jyA=
            P:busybox-binsh
            V:1.36.0-r9
            A:x86_64
            L:GPL-2.0-only
            o:busybox
            F:bin
            R:sh
            a:0:0:777
            F:
            R:top

            P:musl
            V:1.2.4-r0
            o:musl

            V:1
            """
        for path in ["lib/apk/db/installed", "usr/lib/apk/db/installed"] {
            let error = try #require(failure(in: text, path: path))
            #expect(error.message == "\(path): a package has no name")
            #expect(lines(error.found) == ["busybox-binsh 1.36.0-r9", "musl 1.2.4-r0"])
            #expect(error.found.map(\.source) == ["busybox", ""])
            #expect(error.found[0].sourceVersion == "1.36.0-r9")
            #expect(error.found[0].licenses == ["GPL-2.0-only"])
        }
        #expect(try owned(text, "lib/apk/db/installed") == ["bin/sh apk:busybox-binsh", "top apk:busybox-binsh"])
    }

    @Test func knowsOwnedFiles() throws {
        #expect(
            try owned("/.\n/usr\n/usr/bin/env\n", "var/lib/dpkg/info/coreutils.list")
                == [". deb:coreutils", "usr deb:coreutils", "usr/bin/env deb:coreutils"])
        #expect(try owned("/lib/x\n", "var/lib/dpkg/info/libc6:amd64.list") == ["lib/x deb:libc6"])
        let sums = "0123456789abcdef0123456789abcdef  usr/share/a b\n"
        #expect(try owned(sums, "var/lib/dpkg/status.d/base.md5sums") == ["usr/share/a b deb:base"])
        for path in ["a.list", "var/lib/dpkg/info/a.md5sums", "var/lib/dpkg/status", "Packages", "", "x/rpm/Packages"] {
            #expect(!OwnedFiles.isList(path))
            #expect(throws: InventoryError.self) { try owned("", path) }
        }
    }

    private func owned(_ text: String, _ path: String) throws -> [String] {
        var out: [String] = []
        try OwnedFiles.read(InventoryFile(path: path, bytes: Array(text.utf8))) { out.append("\($0.string) \($1)") }
        return out
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Inventory

struct ExecutableTests {
    private static let modules = """
        path\texample.com/cmd
        mod\texample.com/cmd\t(devel)\t
        dep\tgithub.com/a/b/v2\tv2.1.0\th1:x=
        dep\tgithub.com/old/c\tv1.0.0
        =>\tgithub.com/new/c\tv1.5.0\th1:y=
        dep\tgithub.com/local/d\tv1.0.0
        =>\t./d\t
        build\t-compiler=gc

        """
    private static let expected = ["stdlib 1.22.0", "github.com/a/b/v2 v2.1.0", "github.com/new/c v1.5.0"]

    private func read(_ bytes: [UInt8]) throws -> [FoundPackage] {
        try PackageReaders.standard.readerForExecutable.packages(
            in: InventoryFile(path: "bin/x", bytes: bytes, mode: 0o755))
    }

    private static let programs: [[UInt8]] = {
        let inline = ProgramBuilder.goInline(version: "go1.22.0", modules: modules)
        let shifted = [UInt8](repeating: 7, count: 48) + inline
        var out: [[UInt8]] = []
        for (is64Bit, isBig) in [(true, false), (true, true), (false, false), (false, true)] {
            let pointers = ProgramBuilder.goPointers(
                version: "go1.22.0", modules: modules, size: is64Bit ? 8 : 4, isBig: isBig)
            for section in [".go.buildinfo", ".data", ""] {
                out.append(ProgramBuilder.elf(shifted, section: section, is64Bit: is64Bit, isBig: isBig))
                out.append(ProgramBuilder.elf(pointers, section: section, is64Bit: is64Bit, isBig: isBig))
            }
        }
        out.append(ProgramBuilder.pe(shifted, section: ".data"))
        out.append(ProgramBuilder.machO(shifted, section: "__go_buildinfo"))
        out.append(ProgramBuilder.machO(shifted, section: "__data"))
        return out
    }()

    @Test(arguments: programs.indices)
    func readsGo(index: Int) throws {
        #expect(try lines(read(Self.programs[index])) == Self.expected)
    }

    @Test(arguments: programs.indices)
    func outlivesDamage(index: Int) {
        let program = Self.programs[index]
        for end in stride(from: 0, to: program.count, by: 13) { _ = try? read(Array(program[..<end])) }
        for place in 0..<min(program.count, 700) {
            for value: UInt8 in [0xFF, 0x7F, 0x00] {
                var broken = program
                broken[place] = value
                _ = try? read(broken)
            }
        }
    }

    @Test func passesOverOthers() throws {
        #expect(try read(Array("#!/bin/sh\necho\n".utf8)).isEmpty)
        #expect(try read([]).isEmpty)
        #expect(try read(ProgramBuilder.elf([1, 2, 3], section: ".data")).isEmpty)
        let pointers = ProgramBuilder.goPointers(version: "go1.17", modules: "", size: 8, isBig: false)
        let cut = ProgramBuilder.elf(Array(pointers.prefix(64)), section: "")
        #expect(throws: InventoryError.self) { try read(cut) }
    }

    @Test(arguments: [
        ("go1.24.11", "1.24.11"), ("go1.22.0 X:boringcrypto", "1.22.0"), ("go1.20", "1.20"),
        ("go1.21rc2", "1.21.0-rc.2"),
        ("go1.19beta1", "1.19.0-beta.1"), ("go1.20.5 (Red Hat 1.20.5-1.el9)", "1.20.5"), ("devel go1.20-1a2b", nil),
        ("go", nil),
        ("go1.", nil), ("", nil), ("go1.21.3-company", "1.21.3"),
    ])
    func namesToolchains(text: String, version: String?) {
        #expect(GoBuildInfo.toolchain(text) == version)
    }

    @Test(arguments: [
        ("\"-s -w -X=github.com/a/b/version.Version=v8.30.1\"", "v8.30.1"),
        ("-X 'main.version=1.2.3-rc.1'", "v1.2.3-rc.1"),
        ("-X main.commit=1.2.3", nil), ("-X main.version=dev", nil), ("-X main.version=1.2", nil), ("", nil),
        ("-X main.Version=1.2.3/../x", nil),
    ])
    func findsLinkedVersions(flags: String, version: String?) {
        #expect(GoBuildInfo.linkedVersion(flags) == version)
    }

    @Test func takesTheMainModuleFromTheLinker() throws {
        let modules =
            "mod\tgithub.com/a/b/v8\t(devel)\t\ndep\tc.org/d\tv1.0.0\nbuild\t-ldflags=\"-X=x.Version=v8.30.1\"\n"
        let program = ProgramBuilder.elf(
            ProgramBuilder.goInline(version: "go1.22.0", modules: modules), section: ".data")
        #expect(try lines(read(program)) == ["stdlib 1.22.0", "c.org/d v1.0.0", "github.com/a/b/v8 v8.30.1"])
        // Built from single files, the main module is one of many.
        let others =
            "path\tcommand-line-arguments\ndep\tc.org/d\t(devel)\ndep\tgithub.com/a/b\t(devel)\nbuild\t-ldflags=\"-X=github.com/a/b/v.Version=8.30.1\"\n"
        let files = ProgramBuilder.elf(ProgramBuilder.goInline(version: "go1.22.0", modules: others), section: ".data")
        let found = try lines(read(files))
        #expect(found == ["stdlib 1.22.0", "github.com/a/b v8.30.1"])
    }

    /// Made by: python3 -c 'import zlib; print(list(zlib.compress(JSON)))'
    private static let crates: [UInt8] = [
        120, 156, 93, 205, 49, 14, 195, 32, 12, 64, 209, 187, 120, 70, 40, 201, 82, 137, 171, 68, 29, 92, 99, 85,
        40, 20, 35, 3, 93, 34, 238, 94, 186, 180, 73, 70, 127, 249, 217, 59, 100, 164, 13, 159, 92, 192, 173, 59,
        36, 124, 49, 56, 192, 156, 193, 192, 155, 181, 4, 73, 99, 158, 236, 108, 167, 81, 138, 52, 165, 239, 66, 20,
        194, 56, 130, 138, 84, 112, 85, 27, 119, 243, 211, 133, 213, 243, 201, 15, 109, 151, 249, 118, 188, 64, 138,
        149,
        139, 13, 2, 7, 73, 116, 97, 203, 249, 237, 31, 25, 216, 66, 242, 35, 61, 90, 136, 30, 250, 189, 127, 0,
        55, 206, 63, 106,
    ]

    @Test func readsCargoAuditable() throws {
        for program in [
            ProgramBuilder.elf(Self.crates, section: ".dep-v0"), ProgramBuilder.pe(Self.crates, section: ".dep-v0"),
            ProgramBuilder.machO(Self.crates, section: ".dep-v0"),
        ] {
            let found = try read(program)
            #expect(lines(found) == ["app 0.1.0", "serde 1.0.217", "cc 1.2.0"])
            #expect(found.map(\.isDevelopment) == [false, false, true])
        }
        #expect(throws: InventoryError.self) { try read(ProgramBuilder.elf([1, 2, 3], section: ".dep-v0")) }
    }

    @Test func readsModuleFiles() throws {
        let mod = """
            module example.com/app // me
            go 1.16
            require github.com/one/a v1.0.0
            require (
            \tgithub.com/two/b v2.0.0+incompatible // indirect
            \t"github.com/three/c" v3.0.0
            \tgithub.com/four/d v4.0.0
            )
            replace github.com/three/c v3.0.0 => github.com/fork/c v3.1.0
            replace (
            \tgithub.com/four/d => ../d
            \tgithub.com/one/a v9.9.9 => github.com/x/y v1.0.0
            )
            exclude github.com/bad v1.0.0
            retract [v1.0.0, v1.1.0]
            """
        #expect(
            try lines(packages(in: mod, path: "go.mod"))
                == ["github.com/one/a v1.0.0", "github.com/two/b v2.0.0+incompatible", "github.com/fork/c v3.1.0"])
        #expect(failure(in: "require x", path: "go.mod") != nil)
        let sum =
            "a.org/x v1.0.0 h1:a=\na.org/x v1.0.0/go.mod h1:b=\na.org/x v1.2.0 h1:a=\na.org/y v1.0.0/go.mod h1:c=\n"
        #expect(try lines(packages(in: sum, path: "go.sum")) == ["a.org/x v1.2.0"])
        #expect(failure(in: "x", path: "go.sum") != nil)
    }

    @Test func readsCargoLock() throws {
        let text = """
            # generated
            version = 4

            [[package]]
            name = "app"
            version = "0.1.0"
            dependencies = [
             "serde",
            ]

            [[package]]
            name = "serde"
            version = "1.0.217"
            source = "registry+https://github.com/rust-lang/crates.io-index"
            checksum = "00"
            """
        #expect(try lines(packages(in: text, path: "Cargo.lock")) == ["app 0.1.0", "serde 1.0.217"])
        #expect(failure(in: "[[package]]\nname = \"x\"", path: "Cargo.lock") != nil)
    }
}

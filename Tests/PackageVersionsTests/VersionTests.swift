// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import PackageVersions
import Testing

@Suite struct VersionTests {
    /// Ascending lists; each member is less than all that follow.
    static let ascending: [(VersionScheme, [String])] = [
        (.dpkg, ["1.0~~", "1.0~~a", "1.0~", "1.0", "1.0-1~bpo1", "1.0-1", "1.0-1+b1", "1.0a", "1.0+1", "1:0.1"]),
        (.rpm, ["1.0~rc1", "1.0", "1.0^git1", "1.0.a", "1.0.1", "1.1-1", "1.1-1.el9", "1.1-1.el9_2", "1:0"]),
        (.alpm, ["1.0a", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0.a", "1.0.1", "1:0.1"]),
        (
            .apk,
            [
                "1.2_alpha", "1.2_alpha1", "1.2_beta", "1.2_pre1", "1.2_rc9", "1.2", "1.2-r0", "1.2-r10",
                "1.2_git20200101",
                "1.2_p1", "1.2a", "1.2b-r1", "1.2.0", "1.2.001", "1.2.01", "1.2.1", "1.10",
            ]
        ),
        (
            .gentoo,
            ["1_alpha", "1_alpha2", "1_beta", "1_pre", "1_rc", "1", "1-r1", "1_p", "1_p1", "1a", "1.0", "1.01", "1.1"]
        ),
        (
            .semver,
            [
                "1.0.0-0", "1.0.0-1", "1.0.0-A", "1.0.0-a", "1.0.0-a.1", "1.0.0-a.b", "1.0.0-a-b", "1.0.0", "1.0.0.1",
                "1.1",
            ]
        ),
        (
            .go,
            [
                "v0.0.0-20190101000000-abcdefabcdef", "0.1.0", "go1.20rc1", "go1.20", "1.21.0-0", "go1.21rc2",
                "go1.21.0", "v1.21.1+incompatible",
            ]
        ),
        (.nuget, ["1.0.0-Alpha", "1.0.0-beta.2", "1.0.0-BETA.11", "1.0.0", "1.0.0.1"]),
        (.pub, ["1.0.0-a", "1.0.0", "1.0.0+1", "1.0.0+2", "1.0.0+a"]),
        (.bitnami, ["1.0.0-rc.1", "1.0.0", "1.0.1-1"]),
        (
            .pep440,
            [
                "2004d-foo!", "1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0a1.post1", "1.0b1", "1.0rc1", "1.0", "1.0+abc",
                "1.0+abc.5", "1.0+5", "1.0.post1.dev2", "1.0-1", "1.0.rev2", "1.1", "1!0.1",
            ]
        ),
        (
            .maven,
            [
                "1-alpha-1", "1-a2", "1-beta", "1-m1", "1-rc1", "1-SNAPSHOT", "1", "1-sp", "1-foo", "1-foo2",
                "1-foo10",
                "1-1", "1.0.1",
            ]
        ),
        (.gem, ["1.0.a", "1.0.a.1", "1.0.b", "1.0-1", "1.0.rc1", "1.0", "1.0.1"]),
        (.composer, ["dev-master", "1.0-dev", "1.0-alpha1", "1.0-beta1", "1.0-RC1", "1.0", "1.0-patch1", "1.1"]),
        (
            .packagist,
            [
                "1.0-dev", "1.0.0-alpha1", "v1.0-beta1", "1.0.0-RC1", "1.0", "1.0-patch1", "1.0.0.1", "1.0.9",
                "1.0.x-dev", "1.1", "v1.9.9", "1.x-dev", "2.0-alpha",
            ]
        ),
        (.cran, ["0.9", "1.0", "1.0-0", "1.0.1", "1.10"]),
        (.hackage, ["0.9", "1", "1.0", "1.0.0", "1.10"]),
        (.conan, ["1.0-alpha", "1.0-beta.2", "1.0-beta.10", "1.0", "1.0+b1", "1.1"]),
        (.openssl, ["0.9.8", "0.9.8z", "0.9.8za", "1.0.2-beta1", "1.0.2", "1.0.2k-fips", "3.0.0-alpha1", "3.0.0"]),
        (.jvm, ["1.7.0_80", "1.8.0_13-ea", "1.8.0_13", "8.0.131", "9-ea", "9.0.1", "11.0.4+11", "17.0.1+12-LTS"]),
    ]

    @Test(arguments: ascending) func orders(_ scheme: VersionScheme, _ versions: [String]) throws {
        for (at, a) in versions.enumerated() {
            #expect(try scheme.compare(a, a) == .equal, "\(a)")
            #expect(try scheme.compare("  \(a)\n", a) == .equal, "\(a)")
            for b in versions[(at + 1)...] {
                #expect(try scheme.compare(a, b) == .less, "\(a) \(b)")
                #expect(try scheme.compare(b, a) == .greater, "\(b) \(a)")
            }
        }
        #expect(Set(Self.ascending.map(\.0)) == Set(VersionScheme.allCases))
    }

    @Test(arguments: [
        (VersionScheme.dpkg, ["a:1", "1-", "1:", "1 2", ":1", "99999999999:1"]),
        (.gentoo, ["", "a", "1.0x1", "1_foo", "1.", "1-r"]),
        (.semver, ["", "latest", "v", "1.0 beta", "1.0.$", "1..2"]),
        (.go, ["(devel)", "devel +abcdef", "unknown"]),
        (.nuget, ["1.2.3.4.5", "a"]),
        (.gem, ["a.1", "1..2", "1.2.", "1_2"]),
        (.packagist, ["dev-main", "dev-1.x", "master", "v", "x", ""]),
        (.cran, ["1.a", "1..2", "-1", "1-"]),
        (.hackage, ["1-2", "1.2.x"]),
        (.openssl, ["k", "1.0.2 k"]),
        (.jvm, ["jdk", "1.8.0 131"]),
        (.maven, ["", "1\u{0}2", "   "]),
        (.rpm, ["1\n2", String(repeating: "1", count: 1025)]),
    ]) func refuses(_ scheme: VersionScheme, _ versions: [String]) {
        for version in versions {
            #expect(throws: VersionError.self, "\(version)") { try scheme.compare(version, "1") }
            #expect(throws: VersionError.self, "\(version)") { try scheme.compare("1", version) }
        }
    }

    /// What Composer writes alike before it compares.
    @Test(arguments: [
        ("1.0", "1.0.0.0"), ("v2", "2.0"), ("1.0.0+build.5", "1.0"), ("1.0-beta1", "v1.0.0-beta1"), ("5.4.x", "5.4.*"),
        ("1.0.0-RC1", "1.0rc1"), ("010.1", "10.1.0"),
    ]) func normalizes(one: String, two: String) throws {
        #expect(try VersionScheme.packagist.compare(one, two) == .equal)
    }

    /// Nothing that could be a version may trap, and a pair compared both ways gives opposite answers.
    @Test func survivesAnything() throws {
        var state: UInt64 = 88_172_645_463_325_252
        func random(_ below: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(below))
        }
        let pieces = [
            "0", "1", "00", "9", "10", "123456789012345678901234567890", ".", "-", "_", "~", "^", "+", ":", "!", "a",
            "b", "rc",
            "alpha", "beta", "pre", "post", "dev", "p", "r", "-r", "ga", "sp", "snapshot", "#", "x86", "ä", "*", " ",
            "Z",
        ]
        for _ in 0..<4000 {
            let (a, b) = (
                (0...random(7)).map { _ in pieces[random(pieces.count)] }.joined(),
                (0...random(7)).map { _ in pieces[random(pieces.count)] }.joined()
            )
            for scheme in VersionScheme.allCases {
                let there = try? scheme.compare(a, b)
                let back = try? scheme.compare(b, a)
                if there != back?.reversed { Issue.record("\(scheme) \(a) \(b)") }
                if (try? scheme.compare(a, a)) ?? .equal != .equal {
                    Issue.record("\(scheme) \(a) differs from itself")
                }
            }
        }
    }

    @Test func takesLinearTime() throws {
        let long = String(repeating: "0.a1-", count: 204)
        let start = ContinuousClock.now
        for scheme in VersionScheme.allCases {
            for _ in 0..<100 { _ = try? scheme.compare(long + "1", long + "2") }
        }
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test(arguments: [
        ("", "1", true), (">= 1.0, < 2.0", "1.5", true), (">= 1.0 < 2.0", "2.0", false), ("~> 1.4.2", "1.4.9", true),
        ("~> 1.4.2", "1.5", false), ("~> 1.4", "1.9", true), ("~> 1.9", "2", false), ("!= 1.0", "1.0.0", false),
        ("<1||>2", "3", true), ("'1.0' || \"2.0\"", "2", true),
    ]) func holds(_ constraint: String, _ version: String, _ expected: Bool) throws {
        #expect(try VersionConstraint(constraint, .gem).contains(version) == expected)
    }

    @Test(arguments: ["=> 1", "~ 1", ">", "|| 1", "1 ||", "1 | 2", ", 1", "'1", ">= a"]) func refuses(
        _ constraint: String
    ) {
        #expect(throws: VersionError.self) { try VersionConstraint(constraint, .gem) }
    }
}

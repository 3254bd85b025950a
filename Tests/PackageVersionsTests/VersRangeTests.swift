// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import PackageVersions

struct VersRangeTests {
    @Test(arguments: [
        ("vers:npm/1.2.3|>=2.0.0|<5.0.0", ["1.2.3", "2.0.0", "4.9.9"], ["1.2.4", "5.0.0", "1.0.0"]),
        ("vers:deb/<1.2-1", ["1.2~rc1-1", "0"], ["1.2-1", "1:0"]), ("vers:deb/*", ["1", "2:3"], []),
        ("vers:pypi/>1.0|!=1.5|<=2.0|>=3.0", ["1.1", "2.0", "3.0", "99"], ["1.0", "1.5", "2.1", "2.9"]),
        ("vers:rpm/>=1:2.0-1.el9", ["1:2.0-1.el9", "2:0-0"], ["2.0-9.el9"]),
        ("vers:maven/>=1.0|<1.1|>=2.0|<2.1", ["1.0", "1.0.5", "2.0.1"], ["1.1", "1.5", "2.1"]),
        ("vers:golang/<v1.3.0", ["v1.2.9"], ["v1.3.0"]), ("vers:npm/1.0.0%2Bx", ["1.0.0"], ["1.0.1"]),
        ("vers:odd/1|>2|3", ["1", "3"], ["2.5", "2"]), ("vers:alpine/<1.0_rc1", ["1.0_beta"], ["1.0"]),
        ("vers:npm/>1.0.0|>2.0.0|<3.0.0", ["1.5.0"], ["3.0.0", "1.0.0"]),
    ])
    func holdsVersions(text: String, inside: [String], outside: [String]) throws {
        let range = try #require(try VersRange(text))
        for version in inside { #expect(try range.contains(version), "\(version)") }
        for version in outside { #expect(try !range.contains(version), "\(version)") }
    }

    @Test(arguments: [
        "vers:", "vers:npm", "vers:/1", "vers:npm/", "vers:npm/>>1", "vers:npm/~>1", "vers:npm/<",
    ])
    func refuses(text: String) {
        #expect(throws: VersionError.self) { try VersRange(text) }
    }

    @Test func isNone() throws { #expect(try VersRange("< 1.0") == nil) }
}

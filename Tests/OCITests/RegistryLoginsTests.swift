// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import OCI

/// Logins in Docker's form that somebody hands over, such as a Secret of a pod.
@Suite struct RegistryLoginsTests {
    private static func logins(_ text: String, isOldForm: Bool = false) throws -> RegistryLogins {
        try RegistryLogins(Array(text.utf8), isOldForm: isOldForm, source: "shop/regcred")
    }

    /// `tom` whose password is the name of what the login is for.
    private static func auths(_ names: [String]) -> String {
        let entries = names.map {
            #""\#($0)":{"auth":"\#(Data("tom:\($0)".utf8).base64EncodedString())"}"#
        }
        return #"{"auths":{\#(entries.joined(separator: ","))}}"#
    }

    @Test(
        arguments: [
            ("registry.example.org/team/app", ["registry.example.org"], "registry.example.org"),
            ("registry.example.org/team/app", ["https://registry.example.org/v2/"], "https://registry.example.org/v2/"),
            (
                "registry.example.org/team/app", ["registry.example.org", "registry.example.org/team"],
                "registry.example.org/team"
            ),
            ("nginx", ["https://index.docker.io/v1/"], "https://index.docker.io/v1/"),
            ("nginx", ["docker.io"], "docker.io"),
            ("a.azurecr.io/app", ["*.azurecr.io"], "*.azurecr.io"),
            ("a.azurecr.io/app", ["*.azurecr.io", "a.azurecr.io"], "a.azurecr.io"),
            ("1.dkr.ecr.eu-west-1.amazonaws.com/app", ["*.dkr.ecr.*.amazonaws.com"], "*.dkr.ecr.*.amazonaws.com"),
            ("ab12cd.example.org/app", ["ab*cd.example.org"], "ab*cd.example.org"),
            ("r.example.org:5000/team/app", ["*.example.org:5000/team"], "*.example.org:5000/team"),
            ("registry.example.org:5000/app", ["registry.example.org"], nil),
            ("registry.example.org/app", ["registry.example.org:5000"], nil),
            ("evil.example.org/app", ["registry.example.org"], nil),
            ("a.b.azurecr.io/app", ["*.azurecr.io"], nil), ("azurecr.io/app", ["*.azurecr.io"], nil),
            ("registry.example.org/other/app", ["registry.example.org/team"], nil),
            ("registry.example.org/teams/app", ["*.example.org/team"], nil),
            ("acd.example.org/app", ["ab*bcd.example.org"], nil),
            ("abcd.example.org/app", ["abc*bcd.example.org"], nil),
            ("registry.example.org/app", [], nil),
        ] as [(String, [String], String?)]) func serveWhatTheyName(image: String, names: [String], expected: String?)
        throws
    {
        let reference = try ImageReference(image)
        let logins = try Self.logins(Self.auths(names))
        let login = try logins.login(registry: reference.registry, repository: reference.repository)
        #expect(login == expected.map { .password(user: "tom", Secret($0)) })
        #expect(logins.names(reference) == (expected != nil))
    }

    @Test func readsBothFormsAndNoPrograms() throws {
        let reference = try ImageReference("registry.example.org/app")
        let old = try Self.logins(
            #"{"registry.example.org":{"username":"a","password":"b","email":"c"}}"#, isOldForm: true)
        #expect(try old.login(registry: reference.registry, repository: "app") == .password(user: "a", Secret("b")))
        #expect(throws: OCIError.self) { try Self.logins(#"{"registry.example.org":{}}"#) }
        // A program that gives out logins is asked for by nobody's Secret.
        let helpers = try Self.logins(
            #"{"auths":{},"credHelpers":{"registry.example.org":"evil"},"credsStore":"evil"}"#)
        #expect(try helpers.login(registry: reference.registry, repository: "app") == nil)
        var options = RegistryOptions()
        options.environment = ["HOME": "/nowhere"]
        options.logins = helpers
        #expect(try RegistryCredentials(options: options).login(registry: reference.registry, repository: "app") == nil)
    }

    @Test(arguments: ["", "s3cr3t", #"{"s3cr3t":1"#, "[]", #"{"auths":"s3cr3t"}"#, #"{"s3cr3t":{}}"#])
    func tellsNothing(
        text: String
    ) {
        #expect { try Self.logins(text) } throws: {
            "\($0)".contains("shop/regcred") && !"\($0)".contains("s3cr3t")
        }
    }

    @Test func whatIsHiddenStaysHidden() throws {
        let logins = try Self.logins(
            #"{"auths":{"a.example":{"username":"tom","password":"s3cr3t"},"b.example":{"auth":"s3cr3t"}}}"#)
        var dumped = ""
        dump(logins, to: &dumped)
        #expect(!"\(logins) \(String(reflecting: logins)) \(dumped)".contains("s3cr3t"))
        #expect { try logins.login(registry: "b.example", repository: "x") } throws: { !"\($0)".contains("s3cr3t") }
        #expect(logins.names(try ImageReference("b.example/x")) == false)
    }
}

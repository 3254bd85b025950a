// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

@testable import OCI

/// Debian's docker-registry checks the tokens that the client fetched elsewhere.
@Suite(.enabled(if: DockerRegistry.isThere, "docker-registry, apache2-utils and skopeo are not installed"))
struct RegistryTokenTests {
    private static func options(_ registry: DockerRegistry, password: String? = DockerRegistry.password)
        -> ImageSourceOptions
    {
        var options = ImageSourceOptions()
        options.usesLocalStorage = false
        options.registry.environment = [:]
        options.registry.authorities = registry.certificates.authority
        options.registry.backOff = .milliseconds(20)
        if let password { options.registry.login = (DockerRegistry.user, Secret(password)) }
        return options
    }

    @Test func pullsWithTokensThatTheRegistryAccepts() async throws {
        let tokens = try await TokenServer()
        let registry = try await DockerRegistry(auth: tokens.auth)
        let folder = registry.folder.path
        let image = try TestImage([("a", "one"), ("b", "two"), ("c", "three")])
        try TestImage.layout(folder + "/layout", [image], index: TestImage.index([image.entry()]))
        try registry.push(folder + "/layout", as: "team/app:v1")
        let host = "127.0.0.1:\(registry.port)"
        let before = tokens.requests.count
        let read = try await ImageSources.open("\(host)/team/app:v1", Self.options(registry))
        #expect(try await LocalImageTests.texts(read) == ["a=one", "b=two", "c=three"])
        let asked = tokens.requests.dropFirst(before)
        #expect(asked.count == 1, "one token serves manifest, configuration and layers")
        #expect(asked.first?.uri.contains("scope=repository%3Ateam%2Fapp%3Apull") == true)

        for (fault, name) in [
            (TokenServer.Fault.otherKey, "a wrong signature"), (.otherRepository, "another repository"),
            (.otherAudience, "another service"), (.expired, "an old token"),
        ] {
            tokens.fault = fault
            let count = tokens.requests.count
            await #expect("\(name)") {
                try await ImageSources.open("\(host)/team/app:v1", Self.options(registry))
            } throws: { ($0 as? OCIError)?.code == .unauthorized }
            #expect(tokens.requests.count - count <= 3, "\(name) is not asked for again and again")
        }
        tokens.fault = .none
        for password in ["wrong", nil] {
            await #expect {
                try await ImageSources.open("\(host)/team/app:v1", Self.options(registry, password: password))
            } throws: { error in
                (error as? OCIError)?.code == .unauthorized && !"\(error)".contains(DockerRegistry.password)
            }
        }
        // And it still works.
        #expect(
            try await LocalImageTests.texts(ImageSources.open("\(host)/team/app:v1", Self.options(registry))).count == 3
        )
        try await tokens.stop()
    }
}

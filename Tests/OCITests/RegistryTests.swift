// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import OCI

/// Against Debian's docker-registry.
@Suite(.enabled(if: DockerRegistry.isThere, "docker-registry, apache2-utils and skopeo are not installed"))
struct RegistryTests {
    private static func options(_ registry: DockerRegistry, login: Bool = true) -> ImageSourceOptions {
        var options = ImageSourceOptions()
        options.usesLocalStorage = false
        options.registry.environment = [:]
        options.registry.authorities = registry.certificates.authority
        options.registry.backOff = .milliseconds(20)
        if login { options.registry.login = (DockerRegistry.user, Secret(DockerRegistry.password)) }
        return options
    }

    @Test func pullsWithLoginAndLists() async throws {
        let registry = try await DockerRegistry()
        let folder = registry.folder.path
        let one = try TestImage([("a", "amd"), ("b", "two")])
        let two = try TestImage([("a", "arm")], architecture: "arm64")
        let list = TestImage.index([one.entry(platform: "linux/amd64"), two.entry(platform: "linux/arm64")])
        try TestImage.layout(
            folder + "/layout", [one, two],
            index: TestImage.index([TestImage.descriptor(list, "application/vnd.oci.image.index.v1+json")]),
            more: [list])
        try registry.push(folder + "/layout", as: "team/app:v1")
        let name = "127.0.0.1:\(registry.port)/team/app:v1"
        var options = Self.options(registry)
        for (platform, texts) in [("linux/amd64", ["a=amd", "b=two"]), ("linux/arm64", ["a=arm"])] {
            options.platform = try ImagePlatform(platform)
            for prefix in ["", "registry:", "docker://"] {
                let image = try await ImageSources.open(prefix + name, options)
                #expect(try await LocalImageTests.texts(image) == texts)
                #expect(image.reference == name && image.name == prefix + name)
            }
        }
        // By digest, of the list and of one of its images.
        let digest = Digest(of: two.manifest)
        for target in [digest, Digest(of: list)] {
            let image = try await ImageSources.open("127.0.0.1:\(registry.port)/team/app@\(target)", options)
            #expect(image.manifestDigest == digest.description)
        }
        options.platform = try ImagePlatform("linux/s390x")
        await #expect { try await ImageSources.open(name, options) } throws: { ($0 as? OCIError)?.code == .notFound }
        await #expect { try await ImageSources.open(name + "x", options) } throws: { error in
            (error as? OCIError)?.code == .notFound && "\(error)".contains("v1x")
        }
    }

    @Test func findsLogins() async throws {
        let registry = try await DockerRegistry()
        let folder = registry.folder
        let image = try TestImage([("a", "one")])
        try TestImage.layout(folder.path + "/layout", [image], index: TestImage.index([image.entry()]))
        try registry.push(folder.path + "/layout", as: "app:v1")
        let host = "127.0.0.1:\(registry.port)"
        var options = Self.options(registry, login: false)
        let good = Data("\(DockerRegistry.user):\(DockerRegistry.password)".utf8).base64EncodedString()
        try folder.write(
            "#!/bin/sh\nread host\n[ \"$host\" = \(host) ] || exit 1\n[ $# = 1 ] || exit 1\n"
                + #"echo '{"ServerURL":"x","Username":"tester","Secret":"\#(DockerRegistry.password)"}'"#,
            to: "bin/docker-credential-good", mode: 0o755)
        try folder.write("#!/bin/sh\necho s3cr3t-in-output; exit 3", to: "bin/docker-credential-bad", mode: 0o755)
        try folder.write("#!/bin/sh\nsleep 60", to: "bin/docker-credential-slow", mode: 0o755)
        try folder.write(
            "#!/bin/sh\necho credentials not found in native keychain; exit 1", to: "bin/docker-credential-none",
            mode: 0o755)
        options.registry.helperTimeout = .milliseconds(500)
        options.registry.environment["PATH"] = folder.path + "/bin:/usr/bin:/bin"
        setenv("PATH", folder.path + "/bin:" + (ProcessInfo.processInfo.environment["PATH"] ?? ""), 1)
        for (config, isGood) in [
            (#"{"auths":{"\#(host)":{"auth":"\#(good)"}}}"#, true),
            (#"{"auths":{"https://\#(host)/v2/":{"auth":"\#(good)"}}}"#, true),
            (#"{"auths":{"\#(host)":{"auth":"eDp5"},"\#(host)/app":{"auth":"\#(good)"}}}"#, true),
            (#"{"auths":{"\#(host)":{"username":"tester","password":"\#(DockerRegistry.password)"}}}"#, true),
            (#"{"credHelpers":{"\#(host)":"good"}}"#, true), (#"{"auths":{"\#(host)":{}},"credsStore":"good"}"#, true),
            (#"{"credHelpers":{"\#(host)":"none"},"auths":{"\#(host)":{"auth":"\#(good)"}}}"#, true),
            (#"{"auths":{"\#(host)":{"auth":"eDp5"}}}"#, false), (#"{"credsStore":"bad"}"#, false),
            (#"{"credsStore":"slow"}"#, false), (#"{"credsStore":"missing"}"#, false),
            (#"{"credsStore":"../good"}"#, false),
            (#"{"auths":{"other":{"auth":"\#(good)"}}}"#, false), (#"{"auths":{"\#(host)":{"auth":"s3cr3t"}}}"#, false),
            ("{s3cr3t", false), ("", false),
        ] {
            let file = try folder.write(config, to: "config/config.json")
            for variable in ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE"] {
                options.registry.environment["DOCKER_CONFIG"] = nil
                options.registry.environment["REGISTRY_AUTH_FILE"] = nil
                options.registry.environment[variable] = variable == "DOCKER_CONFIG" ? folder.path + "/config" : file
                do {
                    let image = try await ImageSources.open(host + "/app:v1", options)
                    #expect(isGood, "\(config)")
                    #expect(try await LocalImageTests.texts(image) == ["a=one"])
                } catch let error as OCIError {
                    #expect(!isGood, "\(config): \(error)")
                    #expect([.unauthorized, .malformed].contains(error.code), "\(error)")
                    #expect(!"\(error)".contains("s3cr3t") && !"\(error)".contains(good), "\(error)")
                }
            }
        }
    }

    @Test func goesOnWhereItStopped() async throws {
        let registry = try await DockerRegistry()
        let folder = registry.folder.path
        let image = try TestImage([("a", "one")], padding: 6 << 20)
        try TestImage.layout(folder + "/layout", [image], index: TestImage.index([image.entry()]))
        try registry.push(folder + "/layout", as: "big:v1")
        let proxy = try await TCPProxy(to: registry.port)
        var options = Self.options(registry)
        let places = Mutex<[Int64]>([])
        let cuts = Mutex(0)
        options.registry.progress = { progress in
            places.withLock { $0.append(progress.received) }
            // Breaks off at each of three places.
            let isDue = cuts.withLock { count in
                guard count < 3, progress.received > Int64(count + 1) << 20 else { return false }
                count += 1
                return true
            }
            if isDue {
                proxy.set(.cut)
                Task.detached {
                    try await Task.sleep(for: .milliseconds(100))
                    proxy.set(.works)
                }
            }
        }
        options.registry.attempts = 30
        let read = try await ImageSources.open("127.0.0.1:\(proxy.port)/big:v1", options)
        #expect(try await LocalImageTests.texts(read) == ["a=one"])
        let received = places.withLock { $0 }
        #expect(cuts.withLock { $0 } == 3)
        // It never began anew: every piece follows the one before.
        #expect(zip(received, received.dropFirst()).allSatisfy { $0 < $1 })
        #expect(received.last == Int64(image.layers[0].count))
        try await proxy.stop()
    }

    @Test func refusesWrongDigestsAndCertificates() async throws {
        let registry = try await DockerRegistry()
        let folder = registry.folder.path
        let image = try TestImage([("a", "one")])
        try TestImage.layout(folder + "/layout", [image], index: TestImage.index([image.entry()]))
        try registry.push(folder + "/layout", as: "app:v1")
        let name = "127.0.0.1:\(registry.port)/app:v1"
        var options = Self.options(registry)
        options.registry.authorities = nil
        await #expect { try await ImageSources.open(name, options) } throws: { error in
            (error as? OCIError)?.code == .server && "\(error)".contains("CERTIFICATE")
        }
        options.registry.skipsVerification = true
        #expect(try await LocalImageTests.texts(ImageSources.open(name, options)) == ["a=one"])
        // Somebody changed what the registry keeps.
        for bytes in [image.layers[0], image.config, image.manifest] {
            let hex = Digest(of: bytes).hex
            let file = "\(folder)/data/docker/registry/v2/blobs/sha256/\(hex.prefix(2))/\(hex)/data"
            var changed = bytes
            changed[5] ^= 1
            try Data(changed).write(to: URL(filePath: file))
            await #expect { try await LocalImageTests.texts(ImageSources.open(name, options)) } throws: { error in
                guard let error = error as? OCIError else { return false }
                // The registry itself notices a changed manifest.
                return error.code == .wrongDigest && error.message.contains(hex)
                    || (bytes == image.manifest && error.code != .cancelled)
            }
            try Data(bytes).write(to: URL(filePath: file))
        }
    }

    @Test func goesThroughAProxy() async throws {
        // Without the address of this machine, which is the proxy's too: swift-nio-ssl takes a certificate for it.
        let registry = try await DockerRegistry(names: "DNS:localhost")
        let folder = registry.folder.path
        let image = try TestImage([("a", "one")])
        try TestImage.layout(folder + "/layout", [image], index: TestImage.index([image.entry()]))
        try registry.push(folder + "/layout", as: "app:v1")
        let proxy = try await ConnectProxy(to: registry.port)
        var options = Self.options(registry)
        options.registry.environment = ["https_proxy": "127.0.0.1:\(proxy.port)"]
        // The certificate is of another name.
        await #expect { try await ImageSources.open("registry.example.org/app:v1", options) } throws: {
            ($0 as? OCIError)?.code == .server
        }
        options.registry.skipsVerification = true
        let read = try await ImageSources.open("registry.example.org/app:v1", options)
        #expect(try await LocalImageTests.texts(read) == ["a=one"])
        #expect(
            proxy.heads.allSatisfy {
                $0.hasPrefix("CONNECT registry.example.org:443 ") && !$0.lowercased().contains("authorization")
            })
        try await proxy.stop()
    }

    @Test func keepsLayersWhenAsked() async throws {
        let registry = try await DockerRegistry()
        let folder = registry.folder.path
        let image = try TestImage([("a", "one")])
        try TestImage.layout(folder + "/layout", [image], index: TestImage.index([image.entry()]))
        try registry.push(folder + "/layout", as: "app:v1")
        var options = Self.options(registry)
        options.registry.blobFolder = folder + "/kept"
        let read = try await ImageSources.open("127.0.0.1:\(registry.port)/app:v1", options)
        #expect(try await LocalImageTests.texts(read) == ["a=one"])
        let file = "\(folder)/kept/sha256-\(Digest(of: image.layers[0]).hex)"
        #expect(FileManager.default.contents(atPath: file).map(Array.init) == image.layers[0])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/kept").count == 1)
        // What was damaged meanwhile is fetched again.
        try Data([1, 2, 3]).write(to: URL(filePath: file))
        #expect(try await LocalImageTests.texts(read) == ["a=one"])
    }
}

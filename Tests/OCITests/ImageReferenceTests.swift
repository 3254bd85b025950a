// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import OCI

@Suite struct ImageReferenceTests {
    private static let hex = String(repeating: "0a", count: 32)

    @Test(arguments: [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("library/nginx", "docker.io/library/nginx:latest"),
        ("grafana/loki:3.0.0", "docker.io/grafana/loki:3.0.0"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/library/nginx", "docker.io/library/nginx:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:v1", "localhost:5000/app:v1"),
        ("ghcr.io/a/b/c", "ghcr.io/a/b/c:latest"),
        ("Registry/app", "Registry/app:latest"),
        ("registry.example.org:443/a_b/c__d/e---f.g:T_a-g.1", "registry.example.org:443/a_b/c__d/e---f.g:T_a-g.1"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("[2001:db8::1]/app", "[2001:db8::1]/app:latest"),
        ("app@sha256:\(hex)", "docker.io/library/app@sha256:\(hex)"),
        ("app:v2@sha256:\(hex)", "docker.io/library/app:v2@sha256:\(hex)"),
        ("127.0.0.1:80/x/y", "127.0.0.1:80/x/y:latest"),
        ("a.b/c", "a.b/c:latest"),
        ("app:5000", "docker.io/library/app:5000"),
    ]) func completes(_ text: String, _ complete: String) throws {
        let reference = try ImageReference(text)
        #expect(reference.description == complete)
        #expect(try ImageReference(complete) == reference)
    }

    @Test(arguments: [
        ("", "empty"), ("Nginx", "lower case"), ("a/Bc", "lower case"), ("nginx:", "tag"), ("nginx:-x", "tag"),
        ("nginx:" + String(repeating: "t", count: 129), "tag"), ("nginx@sha256:12", "hexadecimal"),
        ("nginx@md5:\(hex)", "algorithm"), ("nginx@", "digest"), ("a//b", "empty"), ("/a", "empty"), ("a/", "empty"),
        ("a/b..c", "only between"), ("a/b_._c", "only between"), ("a/___b", "only between"), ("a/b-", "only between"),
        ("host.x:0/a", "port"), ("host.x:65536/a", "port"), ("host.x:a/b", "port"), ("host.x:/b", "port"),
        ("-host.x/b", "host name"), ("ho_st.x/b", "host name"), ("host..x/b", "host name"), ("[::1/b", "bracket"),
        ("[zz::1]/b", "IPv6"), ("[::1]x/b", "host"), ("https://example.org/a", "port"),
        ("a b", "lower case and digits"),
        (hex, "id"), ("x.y/" + String(repeating: "a", count: 255), "255"), ("ä/b", "lower case and digits"),
        (String(repeating: "a", count: 5000), "1024"), ("a\u{1B}[2j", "lower case and digits"),
    ]) func refuses(_ text: String, _ why: String) {
        #expect { try ImageReference(text) } throws: { error in
            guard let error = error as? OCIError else { return false }
            #expect(error.message.contains(why), "\(error)")
            #expect(
                error.message.contains(String(text.prefix(1).filter { $0 != "\u{1B}" })) && error.message.count < 700)
            #expect(!error.message.contains("\u{1B}"))
            return error.code == .malformed
        }
    }

    @Test func knowsThisMachine() throws {
        for (text, isLocal) in [
            ("localhost/a", true), ("localhost:5000/a", true), ("127.0.0.1:80/a", true), ("127.9.9.9/a", true),
            ("[::1]:5000/a", true), ("a", false), ("127.0.0.1.evil.org/a", false), ("localhost.evil.org/a", false),
        ] { #expect(try ImageReference(text).isLocal == isLocal, "\(text)") }
    }

    @Test func hashes() throws {
        // FIPS 180-2, appendices B.1 and C.1: "abc".
        let abc = Array("abc".utf8)
        #expect(
            Digest(of: abc).description
                == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Digest(of: abc, .sha512).hex.hasPrefix("ddaf35a193617abacc417349ae204131"))
        for wrong in [
            "", "sha256", "sha256:", "sha256:XY", "sha256:" + Self.hex.uppercased(), "sha512:\(Self.hex)", "?:1",
        ] {
            #expect(throws: OCIError.self, "\(wrong)") { try Digest(wrong) }
        }
        #expect { try Digest("blake3:" + Self.hex) } throws: { ($0 as? OCIError)?.code == .unsupported }
    }
}

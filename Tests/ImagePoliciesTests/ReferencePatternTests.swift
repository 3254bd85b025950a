// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ImagePolicies

@Suite struct ReferencePatternTests {
    @Test(arguments: [
        ("nginx", "nginx:1.27", true), ("nginx", "docker.io/library/nginx@" + digest, true),
        ("nginx", "nginx-evil:1", false), ("nginx", "acme/nginx", false),
        ("nginx", "evil.example/library/nginx", false),
        ("docker.io/nginx", "nginx", true), ("index.docker.io/nginx", "nginx", true),
        ("acme/**", "acme/a/b:1", true), ("acme/*", "acme/a:1", true), ("acme/*", "acme/a/b:1", false),
        ("nginx:1.*", "nginx:1.27", true), ("nginx:1.*", "nginx:2", false), ("nginx:1.*", "nginx", false),
        ("nginx:latest", "nginx", true),
        ("ghcr.io", "ghcr.io/a/b:1", true), ("ghcr.io", "ghcr.io.evil.example/a", false),
        ("ghcr.io", "xghcr.io/a", false),
        ("GHCR.io", "ghcr.io/a", true), ("ghcr.io", "GHCR.io/a", true), ("ghcr.io", "ghcr.io:443/a", true),
        ("ghcr.io:443", "ghcr.io/a", true), ("ghcr.io", "ghcr.io:8443/a", false),
        ("registry.example.com:5000", "registry.example.com:5000/a", true),
        ("registry.example.com:5000", "registry.example.com/a", false), ("localhost", "localhost/a", true),
        ("localhost:5000", "localhost:5000/a/b", true), ("[::1]:5000", "[::1]:5000/a", true),
        ("*.example.com", "a.example.com/x", true), ("*.example.com", "a.b.example.com/x/y:1", true),
        ("*.example.com", "example.com/x", false), ("*.example.com", "evil.org/a.example.com/x", false),
        ("*.example.com", "a.example.com.evil.org/x", false),
        ("registry.example.com/shop/**", "registry.example.com/shop/a/b", true),
        ("registry.example.com/shop/**", "registry.example.com/shopping/a", false),
        ("registry.example.com/shop/**", "registry.example.com/other/a", false),
        ("registry.example.com/*/cart", "registry.example.com/shop/cart:1", true),
        ("registry.example.com/*/cart", "registry.example.com/a/b/cart:1", false),
        ("registry.example.com/**/cart", "registry.example.com/a/b/cart:1", true),
        ("**/cart:v*", "registry.example.com/a/cart:v1", true), ("*", "a.example/b/c:1", true), ("**", "nginx", true),
        ("a.example/b@" + digest, "a.example/b:1@" + digest, true), ("a.example/b@" + digest, "a.example/b:1", false),
        ("a.example/b:1@" + digest, "a.example/b@" + digest, true),
        ("*.example.com/a/**", "x.example.com/a/b", true), ("*.example.com/a/**", "x.example.com/b/a", false),
        ("a.example/x*y/**", "a.example/xaybyc/d", false), ("a.example/x*y/**", "a.example/xayby/d/e", true),
        ("a.example/**b", "a.example/b/a", false), ("a.example/**", "a.example/a", true),
        ("a.example/**:v*", "a.example/a:v1", true), ("a.example/**:v*", "a.example/a:w1", false),
        ("docker.io/**", "nginx", true), ("docker.io", "acme/x", true), ("docker.io/*", "nginx:1", true),
    ]) func patternsStandForReferences(_ pattern: String, _ image: String, _ isMatch: Bool) throws {
        let reference = try ScannedReference(image: image)
        let untagged = reference.hasDigest
        #expect(try ReferencePattern(pattern).matches(reference, untagged: untagged) == isMatch)
    }

    /// A tag beside a digest says nothing: only a policy that rather counts takes it for one that is meant.
    @Test func tagsSayNothingBesideDigests() throws {
        let pattern = try ReferencePattern("a.example/b:prod-*")
        let reference = try ScannedReference(image: "a.example/b:prod-1@" + digest)
        #expect(!pattern.matches(reference, untagged: false))
        #expect(pattern.matches(reference, untagged: true))
    }

    @Test(arguments: [
        "", " ", "a b", "a/../b?", "a//b", "a/", "/a", "nginx:", "nginx@sha256:12", "ä.example/x", "a\nb",
        String(repeating: "a", count: 301), "nginx@",
    ]) func otherTextsAreNoPatterns(_ text: String) {
        #expect(throws: ImagePolicyError.self) { try ReferencePattern(text) }
    }

    /// What makes backtracking matchers run for years.
    @Test(.timeLimit(.minutes(1))) func timeStaysInBounds() throws {
        let pattern = try ReferencePattern("a.example/" + String(repeating: "**a*a", count: 55) + "b")
        let reference = try ScannedReference(image: "a.example/" + String(repeating: "a", count: 240))
        for _ in 0..<50 { #expect(!pattern.matches(reference, untagged: true)) }
    }
}

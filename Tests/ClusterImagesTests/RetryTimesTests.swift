// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import ClusterImages

@Suite struct RetryTimesTests {
    @Test(
        arguments: [
            (1, false, 30), (2, false, 60), (5, false, 480), (100, false, 21_600), (Int.max, false, 21_600),
            (0, false, 30), (-5, false, 30), (1, true, 600), (3, true, 2_400), (50, true, 86_400),
        ] as [(Int, Bool, Int64)]) func waits(failures: Int, isLasting: Bool, seconds: Int64)
    {
        #expect(RetryTimes.wait(after: failures, isLasting: isLasting, spread: 1) == seconds)
        let spread = RetryTimes.wait(after: failures, isLasting: isLasting)
        #expect(spread >= seconds * 8 / 10 && spread <= seconds * 12 / 10)
    }

    @Test func registriesAreLeftAloneForAWhile() {
        var held = HeldRegistries()
        var waits: [Int64] = []
        for _ in 0..<8 {
            held.failed("a.example", now: 1_000, spread: 1)
            waits.append(held.until("a.example") - 1_000)
        }
        #expect(waits == [5, 10, 20, 40, 80, 160, 300, 300])
        #expect(held.until("b.example") == 0 && held.count(now: 1_000) == 1 && held.count(now: 2_000) == 0)
        held.worked("a.example")
        #expect(held.until("a.example") == 0)
        // Names are chosen by those who make pods.
        for index in 0..<20_000 { held.failed("r\(index).example", now: 1_000, spread: 1) }
        #expect(held.count(now: 1_000) == 10_000)
        held.failed("new.example", now: 5_000, spread: 1)
        #expect(held.until("new.example") > 5_000 && held.count(now: 5_000) == 1)
    }

    @Test func whatPassesIsToldFromWhatLasts() {
        #expect(OCIError(.notFound, "").isLasting && !OCIError(.notFound, "").concernsRegistry)
        #expect(!OCIError(.server, "").isLasting && OCIError(.server, "").concernsRegistry)
        #expect(!OCIError(.tooManyRequests, "").isLasting && OCIError(.tooManyRequests, "").concernsRegistry)
        #expect(OCIError(.unauthorized, "").isLasting && OCIError(.unauthorized, "").concernsRegistry)
    }
}

@Suite struct RegistryRulesTests {
    @Test(arguments: [
        ("docker.io", true), ("registry.example.com:5000", true), ("10.0.0.7:5000", true), ("127.example.com", true),
        ("localhost", false), ("LOCALHOST:5000", false), ("localhost.:5000", false), ("a.localhost", false),
        ("127.0.0.1", false), ("127.8.9.1:80", false), ("0.0.0.0:80", false), ("169.254.169.254", false),
        ("127.1:80", false), ("0x7f000001:80", false), ("2130706433:80", false), ("0177.0.0.1:80", false),
        ("[::1]:5000", false), ("[::ffff:127.0.0.1]:80", false), ("[0:0:0:0:0:0:0:1]:80", false),
        ("[fe80::1]:80", false), ("[fd00:ec2::254]:80", false), ("[2001:db8::1]:80", true),
        ("metadata.google.internal", false),
    ]) func thisMachineIsNotAsked(registry: String, isAllowed: Bool) {
        #expect(RegistryRules().allows(registry) == isAllowed)
    }

    @Test(arguments: [
        ("registry.example.com", true), ("a.shop.example", true), ("a.b.Shop.example", true), ("localhost:5000", true),
        ("shop.example", false), ("evilshop.example", false), ("localhost", false), ("localhost:5001", false),
        ("docker.io", false),
    ]) func onlyWhatIsNamed(registry: String, isAllowed: Bool) {
        let rules = RegistryRules(allowed: ["registry.example.com", "*.shop.example", "localhost:5000"])
        #expect(rules.allows(registry) == isAllowed)
    }

    @Test(arguments: [
        ("registry.example.com", true), ("a.shop.example", true), ("storage.example.com:9000", true),
        ("b.inner.example", true), ("storage.example.com", false), ("inner.example", false), ("docker.io", false),
    ]) func namesOfHostsThatMayBeInside(host: String, isNamed: Bool) {
        let rules = RegistryRules(
            allowed: ["registry.example.com", "*.shop.example"], inner: ["Storage.example.com:9000", "*.inner.example"])
        #expect(rules.names(host) == isNamed)
        // Hosts that may be led to are no registries to ask.
        #expect(RegistryRules(inner: ["127.0.0.1:9000"]).allows("127.0.0.1:9000") == false)
    }

    @Test(arguments: [
        ("mirror.example.org", "mirror.example.org"), ("http://Mirror:5000/a/b", "mirror:5000"),
        ("https://10.0.0.1:5000/", "10.0.0.1:5000"), ("", ""),
    ]) func hostsOfMirrors(mirror: String, host: String) { #expect(RegistryRules.host(mirror) == host) }
}

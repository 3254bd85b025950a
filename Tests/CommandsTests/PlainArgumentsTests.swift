// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Testing

@testable import Commands

/// Plain arguments mean what the argument parser makes of them; everything else is left to it.
@Suite struct PlainArgumentsTests {
    private func described(_ inspect: Inspect) -> String {
        let options = inspect.options
        let severities = [options.severity?.severity, options.failOn?.severity]
        return "\(inspect.paths) \(inspect.output.format) \(inspect.fix) \(inspect.write) \(options.all) \(severities) "
            + "\(options.check) \(options.skipCheck) \(options.namespace) \(options.kind) \(options.exemptions ?? "-") "
            + "\(options.floatingTag) \(options.allowRegistry)"
    }

    @Test(arguments: [
        "", "a.yaml", "a b -", "a --output json", "--output=json a", "-o sarif a b", "a --all --fix --write",
        "--check X --check Y=Z --skip-check W a", "-n shop --namespace bank a", "--kind Pod --kind=Job a",
        "--severity high --fail-on critical a", "--exemptions e.yaml a", "--floating-tag dev --allow-registry r.io/t a",
        "a --check=b=c",
    ])
    func plainArgumentsMeanTheSame(_ line: String) throws {
        let arguments = line.split(separator: " ").map(String.init)
        let plain = try #require(Inspect.plain(arguments))
        #expect(described(plain) == described(try Inspect.parse(arguments)))
    }

    @Test(arguments: [
        "--live", "--kubeconfig k", "--context c a", "--help", "-h", "--version", "a -- b", "-ojson a", "--output",
        "a -x",
        "--output xml a", "--output json --output yaml a", "--severity none a", "--check -x a", "--check= a",
        "--nonsense a",
        "-on json a", "--all=true a", "--request-timeout 5 a", "-- a",
    ])
    func otherArgumentsAreLeftToTheParser(_ line: String) {
        #expect(Inspect.plain(line.split(separator: " ").map(String.init)) == nil)
    }

    @Test func emptyArgumentsAreLeftToTheParser() {
        #expect(Inspect.plain([""]) == nil)
        #expect(Inspect.plain(["a", "--check", ""]) == nil)
    }
}

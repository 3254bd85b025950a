// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CEL

/// Every function and method, called with too few and too many arguments of every sort: an error or a value, never a crash.
@Suite struct ArityTests {
    @Test func noNumberOfArgumentsCrashes() {
        let words = ["1", "'a'", "[1]", "{'a': 1}", "null", "1.5", "b'a'", "true", "optional.of(1)", "duration('1s')"]
        let (functions, methods) = CELFunctions.known
        var tried = 0
        func run(_ text: String) {
            tried += 1
            guard let program = try? CELProgram(text) else { return }
            _ = try? program.evaluate()
        }
        for name in functions {
            for count in 0...4 {
                for word in words { run("\(name)(\(Array(repeating: word, count: count).joined(separator: ", ")))") }
            }
        }
        for name in methods {
            for target in words {
                for count in 0...4 {
                    for word in words {
                        run("\(target).\(name)(\(Array(repeating: word, count: count).joined(separator: ", ")))")
                    }
                }
            }
        }
        #expect(tried > 5_000)
    }
}

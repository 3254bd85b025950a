// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import TestSupport
import Testing

struct OddScalarTests {
    @Test func readAsTheAPIServerDoes() throws {
        #expect(OddScalars.table.count >= 200)
        for (yaml, json) in OddScalars.table {
            let expected = try parseJSON(json).root
            for text in [yaml + "\n", "---\n" + yaml + "\n...\n", (yaml + "\n").replacing("\n", with: "\r\n")] {
                let results = readYAML(Array(text.utf8))
                guard case .success(let document)? = results.first else {
                    Issue.record("\(text): \(results), expected \(json)")
                    continue
                }
                #expect(OddScalars.same(document.root, expected), "\(text): \(document.root.json()), expected \(json)")
            }
        }
    }

    @Test func refusesWhatTheAPIServerRefuses() {
        for yaml in OddScalars.refused {
            let results = readYAML(Array(yaml.utf8))
            guard case .failure(let error)? = results.last else {
                Issue.record("\(yaml) is accepted: \(yamlText(yaml))")
                continue
            }
            #expect(error.line > 0)
        }
    }

    @Test func comparisonSeesDifferences() throws {
        for (one, other) in [("1", "2"), ("1", "\"1\""), ("[1]", "[2]"), ("[1]", "[]"), ("{\"a\":1}", "{\"b\":1}")] {
            #expect(try !OddScalars.same(parseJSON(one).root, parseJSON(other).root))
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

@Suite struct DocumentReaderStreamTests {
    /// What came of each part: the member `a`, or the line of the error.
    private func outcomes(_ text: String) -> [String] {
        DocumentReader.documents(in: Array(text.utf8), source: "lines").map { result in
            switch result {
            case .success(let document): document.root["a"]?.number ?? "?"
            case .failure(let error): "line \(error.line)"
            }
        }
    }

    @Test func aBrokenLineCostsItself() {
        #expect(outcomes("{\"a\":1}\n{\"a\":2}\n{\"a\":}\n{\"a\":4}\n") == ["1", "2", "line 3", "4"])
        #expect(outcomes("{\"a\":1}\n{\"a\":2}\n{\"a\": [\n{\"a\":4}\n{\"a\":5}\n") == ["1", "2", "line 5", "4", "5"])
        #expect(outcomes("{\"a\":1}\n{\"a\":2}\nnonsense\nmore\n{\"a\":5}\n") == ["1", "2", "line 3", "5"])
    }

    @Test func errorsAreBounded() {
        let text = "{\"a\":1}\n{\"a\":2}\n" + String(repeating: "{,}\n", count: 5000)
        #expect(outcomes(text).count == 1002)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Names that people give to groups of packages, and to files with lists of them, which a product does not need to run.
enum DevelopmentNames {
    private static let words: Set<Substring> = [
        "dev", "devel", "develop", "development", "test", "tests", "testing", "lint", "lints", "linting", "linters",
        "doc",
        "docs", "documentation", "typing", "types", "typecheck", "mypy", "bench", "benchmark", "benchmarks", "coverage",
    ]

    /// Whether one word of a name is of these: `requirements-dev.txt`, `docs_build`; not `requirements-docker.txt`.
    static func contain(_ name: some StringProtocol) -> Bool {
        name.lowercased().split { !$0.isLetter }.contains { words.contains($0) }
    }
}

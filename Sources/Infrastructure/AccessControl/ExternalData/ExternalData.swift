// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Rego
import Synchronization

/// What a provider says about one key.
package enum ExternalAnswer: Sendable, Equatable {
    case value(Node)
    case error(String)

    package static func == (left: ExternalAnswer, right: ExternalAnswer) -> Bool {
        switch (left, right) {
        case (.value(let left), .value(let right)): left.json() == right.json()
        case (.error(let left), .error(let right)): left == right
        default: false
        }
    }
}

/// What providers answered before a judgement, and what it turned out to need besides. Judging is synchronous: what is
/// missing is noted, asked for, and the judgement begun anew.
final class ExternalAnswers: Sendable {
    struct Key: Hashable {
        var provider: String
        var key: String
    }

    /// Those of the judgement that runs; nil where nobody can be asked.
    @TaskLocal static var current: ExternalAnswers?

    private struct State {
        var known: [Key: ExternalAnswer]
        var missing: [String: Set<String>] = [:]
    }

    private let state: Mutex<State>

    init(_ known: [Key: ExternalAnswer]) { state = Mutex(State(known: known)) }

    var missing: [String: Set<String>] { state.withLock { $0.missing } }

    /// Those that are known; nil when some are not, which is noted.
    func answers(of provider: String, to keys: [String]) -> [ExternalAnswer]? {
        state.withLock { state in
            var found: [ExternalAnswer] = []
            for key in keys {
                if let answer = state.known[Key(provider: provider, key: key)] {
                    found.append(answer)
                } else {
                    state.missing[provider, default: []].insert(key)
                }
            }
            return found.count == keys.count ? found : nil
        }
    }
}

/// Asks providers for what judgements need, and remembers their answers for a while.
package final class ExternalData: Sendable {
    /// Asks a provider about keys. Throws when it does not answer or answers as a whole with an error.
    package typealias Fetcher =
        @Sendable (_ provider: ExternalDataProvider, _ keys: [String]) async throws -> [String: ExternalAnswer]

    private struct Entry {
        var answer: ExternalAnswer
        var until: ContinuousClock.Instant
    }

    static let maxKeys = 1_000
    static let maxEntries = 10_000
    /// How often a judgement may turn out to need more.
    static let maxRounds = 8

    private let fetch: Fetcher
    private let lifetime: Duration
    private let cache = Mutex<[ExternalAnswers.Key: Entry]>([:])

    /// - Parameter lifetime: how long answers count.
    package init(lifetime: Duration = .seconds(180), _ fetch: @escaping Fetcher) {
        self.lifetime = lifetime
        self.fetch = fetch
    }

    /// Runs `body`, which judges, until it needs nothing more that a provider has yet to say. A provider that fails has
    /// an error for each of its keys, which templates see and mutators go by their failure policy.
    package func answering<Result: Sendable>(
        by providers: [String: ExternalDataProvider], _ body: () throws -> Result
    ) async throws -> Result {
        // What was asked for this judgement counts for all of it, also past its lifetime and beyond the cache.
        var asked: [ExternalAnswers.Key: ExternalAnswer] = [:]
        for _ in 0..<Self.maxRounds {
            let now = ContinuousClock.now
            let known = cache.withLock { $0.filter { $0.value.until > now }.mapValues(\.answer) }
            let answers = ExternalAnswers(known.merging(asked) { $1 })
            let result = Swift.Result { try ExternalAnswers.$current.withValue(answers) { try body() } }
            if answers.missing.isEmpty { return try result.get() }
            for (name, keys) in answers.missing.sorted(by: { $0.key < $1.key }) {
                try Task.checkCancellation()
                for (key, answer) in await ask(name, keys.sorted(), providers) {
                    asked[ExternalAnswers.Key(provider: name, key: key)] = answer
                }
            }
        }
        throw GatekeeperError(.evaluation, "a judgement needs external data more than \(Self.maxRounds) times")
    }

    private func ask(
        _ name: String, _ keys: [String], _ providers: [String: ExternalDataProvider]
    ) async -> [String: ExternalAnswer] {
        func failed(_ reason: String) -> [String: ExternalAnswer] {
            Dictionary(keys.map { ($0, .error(reason)) }) { first, _ in first }
        }
        guard let provider = providers[name] else { return failed("there is no provider \(name)") }
        guard keys.count <= Self.maxKeys else { return failed("more than \(Self.maxKeys) keys at once") }
        do {
            var found = try await fetch(provider, keys)
            for key in keys where found[key] == nil {
                found[key] = .error("provider \(name) says nothing about this key")
            }
            let until = ContinuousClock.now + lifetime
            cache.withLock { cache in
                if cache.count + found.count > Self.maxEntries { cache.removeAll() }
                for (key, answer) in found {
                    cache[ExternalAnswers.Key(provider: name, key: key)] = Entry(answer: answer, until: until)
                }
            }
            return found
        } catch {
            return failed("provider \(name) does not answer: \(error)")
        }
    }
}

extension Builtins {
    /// The functions that templates have: the language's, and `external_data`.
    static let withExternalData: [String: Builtin] = {
        var all = Builtins.all
        let function = Builtin(
            "external_data", arity: 1, signature: .init([[.object]], [.object]), isDeterministic: false,
            .one { argument, _ in try externalData(argument) })
        all[function.name] = function
        return all
    }()

    private static func externalData(_ argument: Value) throws -> Value {
        guard let members = argument.members, let provider = members["provider"]?.text, !provider.isEmpty else {
            throw RegoError(.evalBuiltin, "external_data: provider is missing")
        }
        var keys: [String] = []
        for key in members["keys"]?.elements ?? [] {
            guard let text = key.text else { throw RegoError(.evalBuiltin, "external_data: a key is no text") }
            keys.append(text)
        }
        guard let current = ExternalAnswers.current else {
            throw RegoError(.evalBuiltin, "external_data: provider \(provider) cannot be asked here")
        }
        guard let answers = current.answers(of: provider, to: keys) else {
            throw RegoError(.evalBuiltin, "external_data: provider \(provider) has not answered yet")
        }
        var (responses, errors): ([Value], [Value]) = ([], [])
        for (key, answer) in zip(keys, answers) {
            switch answer {
            case .value(let node): responses.append(.array([.string(key), .node(node)]))
            case .error(let text): errors.append(.array([.string(key), .string(text)]))
            }
        }
        return .object(
            ObjectValue([
                (.string("responses"), .array(responses)), (.string("errors"), .array(errors)),
                (.string("status_code"), .int(200)), (.string("system_error"), .string("")),
            ]))
    }
}

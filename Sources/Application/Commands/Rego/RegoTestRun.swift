// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Rego

/// One test rule and what became of it.
struct RegoTestOutcome {
    enum Result {
        case passed, failed, skipped
        case error(RegoError)
    }
    let name: String
    let location: Location
    let result: Result
    let duration: Duration

    var word: String {
        switch result {
        case .passed: "PASS"
        case .failed: "FAIL"
        case .skipped: "SKIPPED"
        case .error: "ERROR"
        }
    }

    var milliseconds: Double {
        let parts = duration.components
        let microseconds = Double(parts.seconds) * 1_000_000 + Double(parts.attoseconds / 1_000_000_000_000)
        return (microseconds / 10).rounded() / 100
    }

    var json: Value {
        var members: [(Value, Value)] = [
            (.string("name"), .string(name)), (.string("file"), .string(location.file)),
            (.string("row"), .int(location.row)), (.string("result"), .string(word.lowercased())),
            (.string("milliseconds"), Value(numberText: "\(milliseconds)")),
        ]
        if case .error(let error) = result { members.append((.string("error"), .string(error.description))) }
        return .object(ObjectValue(members))
    }
}

/// Runs the test rules of a policy one after the other.
struct RegoTestRun {
    let policy: RegoPolicy
    let data: Value
    let timeout: Duration

    func outcomes(where isWanted: (String) -> Bool) -> [RegoTestOutcome] {
        var seen: Set<String> = []
        var found: [RegoTestOutcome] = []
        for module in policy.modules {
            for rule in module.rules {
                let last = rule.name
                guard last.hasPrefix("test_") || last.hasPrefix("todo_test_") else { continue }
                let name = (["data"] + module.package + [last]).joined(separator: ".")
                guard seen.insert(name).inserted, isWanted(name) else { continue }
                found.append(run(name, rule, in: module))
            }
        }
        return found
    }

    private func run(_ name: String, _ rule: Rule, in module: Module) -> RegoTestOutcome {
        let started = ContinuousClock.now
        let result: RegoTestOutcome.Result
        if rule.name.hasPrefix("todo_") {
            result = .skipped
        } else {
            do {
                let query = try policy.prepare(RegoTestRun.reference(module.package + [rule.name]))
                let value = try query.evaluate(
                    input: nil, data: data, context: .current(), limits: EvaluationLimits(time: timeout))
                if let value, !value.isFalse { result = .passed } else { result = .failed }
            } catch let error as RegoError {
                result = .error(error)
            } catch let errors as RegoErrors {
                result = .error(errors.errors.first ?? RegoError(.evalInternal, "unknown"))
            } catch {
                result = .error(RegoError(.evalInternal, "\(error)"))
            }
        }
        return RegoTestOutcome(
            name: name, location: rule.location, result: result, duration: ContinuousClock.now - started)
    }

    /// `data["a"]["b"]`, which any name can stand in.
    static func reference(_ path: [String]) -> String {
        "data" + path.map { "[\(Value.string($0).json)]" }.joined()
    }
}

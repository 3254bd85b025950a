// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Testing

@testable import PodSecurity

/// What is remembered of the problems of an object, few and many of them, and how repeated names are found.
@Suite struct ProblemSetTests {
    @Test(arguments: [1, 63, 64, 65, 66, 500]) func eachProblemIsNewOnce(count: Int) {
        var set = ProblemSet.forObject()
        let names = (0..<count).map { ProblemSet.Name("container-\($0)") }
        let new = names.map { set.insert(check: 7, container: $0) }
        #expect(new == Array(repeating: true, count: count))
        for name in names {
            let isNew = set.insert(check: 7, container: name)
            #expect(!isNew)
            #expect(set.contains(check: 7, container: name))
            #expect(!set.contains(check: 8, container: name))
        }
        #expect(!set.contains(check: 7, container: .none))
        var other = ProblemSet()
        for name in names.reversed() { other.insert(check: 7, container: name) }
        #expect(set == other)
        other.insert(check: 8, container: .none)
        #expect(set != other)
    }

    @Test func namesThatOnlyLookTheSameDiffer() {
        var set = ProblemSet()
        let names: [ProblemSet.Name] = [.init("caf\u{E9}"), .init("cafe\u{301}"), .init(""), .none]
        let new = names.map { set.insert(check: 1, container: $0) }
        #expect(new == [true, true, true, false])
    }

    /// Names with one mark (the same length, beginning and end) are told apart, and the same ones found, before and behind
    /// the place from which on names are kept in a set.
    @Test(arguments: [2, 23, 24, 25, 26, 60], [false, true])
    func repeatedVariablesAreFound(count: Int, repeats: Bool) throws {
        var names = (0..<count).map { "BEGINNING_\($0 + 100)_THE_SAME_END" }
        if repeats { names.append(names[count / 2]) }
        let variables = names.map { #"{"name":"\#($0)","value":"1"}"# }.joined(separator: ",")
        let pod =
            #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","env":[\#(variables)]}]}}"#
        let root = try JSONReader.read(Array(pod.utf8), source: "test.json").root
        let inspector = Inspector(try Catalogue.embedded().selecting(["env-dup"]))
        var (tally, results): (Tally, [CheckResult]) = (Tally(), [])
        inspector.inspect(
            Inspector.Input(object: root, kind: .pod, subject: Subject(apiVersion: "v1", kind: "Pod", name: "p")),
            tally: &tally
        ) { results.append($0) }
        #expect(results.map(\.path) == (repeats ? ["spec.containers[0].env[\(count)].name"] : []))
    }
}

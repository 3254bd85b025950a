// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CEL
import Documents
import Testing

@Suite struct CostTests {
    private var environment: CELEnvironment {
        var environment = CELEnvironment()
        environment.declare("x", .dyn)
        environment.declare("variables.a", .dyn)
        environment.declare("authorizer", .opaque("kubernetes.authorization.Authorizer", []))
        return environment
    }

    /// The units that cel-go's counter and Kubernetes' functions charge.
    @Test(arguments: [
        ("1", 0), ("x", 1), ("x == 'a'", 2), ("x.size() > 1", 3), ("'abcdefghijklm' == 'abcdefghijklm'", 2),
        ("x + 'aaaaaaaaaaaaaaaaaaaa'", 5), ("[x, 1]", 11), ("{'a': x}", 31), ("x.contains('z')", 3),
        ("x.matches('[0-9]+')", 5), ("x.lowerAscii()", 3), ("true || x == 'a'", 0), ("x != '' ? x : 'b'", 2),
        ("[1, 2, 3].all(i, i > 0)", 16), ("[1, 2, 3].map(i, i)", 40),
    ])
    func units(text: String, wanted: Int) throws {
        let evaluator = CELEvaluator(environment)
        evaluator.set(try #require(environment.slot("x")), .string("aaaaaaaaaaaaaaaaaaa"))
        _ = try evaluator.evaluate(try CELProgram(text, in: environment))
        #expect(evaluator.spent == wanted)
    }

    @Test func anExpressionHasALimit() throws {
        let program = try CELProgram("lists.range(10000).all(i, lists.range(1000).all(j, j >= 0))", in: environment)
        let error = #expect(throws: CELError.self) { try CELEvaluator(environment).evaluate(program) }
        #expect(error?.code == .limit)
        #expect(error?.message.hasPrefix("operation cancelled: actual cost limit exceeded") == true)
        #expect(error?.message.contains("for: lists.range(10000)") == true)
    }

    @Test func allExpressionsShareABudget() throws {
        let evaluator = CELEvaluator(environment, limits: CELLimits(budget: 500))
        let program = try CELProgram("lists.range(20).all(i, i >= 0)", in: environment)
        evaluator.define(try #require(environment.slot("variables.a")), program)
        #expect(try evaluator.evaluate(try CELProgram("variables.a", in: environment)).bool == true)
        // What was computed once costs no more.
        let once = evaluator.spent
        #expect(try evaluator.evaluate(try CELProgram("variables.a", in: environment)).bool == true)
        #expect(evaluator.spent == once + 2)
        let error = #expect(throws: CELError.self) {
            for _ in 0..<10 { _ = try evaluator.evaluate(program) }
        }
        #expect(error?.message.hasPrefix("validation failed due to running out of cost budget") == true)
        evaluator.renew(CELLimits(budget: 500))
        #expect(try evaluator.evaluate(program).bool == true)
    }

    @Test func hostileWorkIsPaidFor() throws {
        for text in [
            "sets.contains(lists.range(5000), lists.range(5000))", "lists.range(5000).distinct().size() > 0",
            "lists.range(1000000).map(i, i).size() > 0",
        ] {
            let program = try CELProgram(text, in: environment)
            let error = #expect(throws: CELError.self) { try CELEvaluator(environment).evaluate(program) }
            #expect(error?.code == .limit, "\(text)")
        }
    }

    @Test func aVariableDefinedByItselfIsAnError() throws {
        let evaluator = CELEvaluator(environment)
        evaluator.define(
            try #require(environment.slot("variables.a")), try CELProgram("variables.a + 1", in: environment))
        let error = #expect(throws: CELError.self) {
            try evaluator.evaluate(try CELProgram("variables.a", in: environment))
        }
        #expect(error?.message == "variables.a fails to evaluate: variables.a is defined by itself")
    }

    /// Variables that ask for each other take their part of the stack together.
    @Test(arguments: [(100, true), (400, false)])
    func chainsOfVariablesEnd(count: Int, works: Bool) throws {
        var environment = CELEnvironment()
        var programs: [(Int, CELProgram)] = []
        for index in 0..<count {
            let before = index == 0 ? "0" : "variables.v\(index - 1)"
            let program = try CELProgram(before + String(repeating: " + 1", count: 9), in: environment)
            programs.append((environment.declare("variables.v\(index)", program.type), program))
        }
        let last = try CELProgram("variables.v\(count - 1)", in: environment)
        let evaluator = CELEvaluator(environment)
        for (slot, program) in programs { evaluator.define(slot, program) }
        do throws(CELError) {
            #expect(try evaluator.evaluate(last).json == "\(count * 9)")
            #expect(works)
        } catch {
            #expect(error.code == .limit && !works, "\(error)")
        }
    }

    @Test(arguments: [
        (
            "authorizer.group('apps').resource('deployments').subresource('scale').namespace('shop').name('web').check('update').allowed()",
            "true"
        ),
        ("authorizer.group('').resource('pods').check('get').reason()", #""asked for get pods as ""#),
        (
            "authorizer.serviceAccount('shop', 'cart').group('').resource('pods').check('get').reason()",
            #""asked for get pods as system:serviceaccount:shop:cart""#
        ),
        ("authorizer.path('/healthz').check('get').errored()", "true"),
        ("authorizer.path('/healthz').check('get').error()", #""no paths""#),
        ("authorizer.path(' ').check('get').allowed()", "path must not be empty"),
        (
            "authorizer.serviceAccount('Not valid', 'x').path('/a').check('get').allowed()",
            "Invalid service account namespace"
        ),
        ("authorizer.group('').resource('').check('get').allowed()", "resource must not be empty"),
    ])
    func rights(text: String, wanted: String) throws {
        let authorizer = CELAuthorizer { question in
            if question.path != nil { return CELAuthorizationAnswer(isAllowed: false, error: "no paths") }
            let asked = "asked for \(question.verb) \(question.resource) as \(question.user ?? "")"
            return CELAuthorizationAnswer(isAllowed: question.subresource == "scale", reason: asked)
        }
        let evaluator = CELEvaluator(environment, authorizer: authorizer)
        evaluator.set(try #require(environment.slot("authorizer")), .authority(.authorizer(CELAuthorizationQuestion())))
        do throws(CELError) {
            #expect(try evaluator.evaluate(try CELProgram(text, in: environment)).json == wanted)
        } catch {
            #expect(error.message == wanted)
        }
    }

    @Test func withoutAnybodyToAskRightsAreAnError() throws {
        let evaluator = CELEvaluator(environment)
        evaluator.set(try #require(environment.slot("authorizer")), .authority(.authorizer(CELAuthorizationQuestion())))
        let program = try CELProgram("authorizer.group('').resource('pods').check('get').allowed()", in: environment)
        let error = #expect(throws: CELError.self) { try evaluator.evaluate(program) }
        #expect(error?.message == "authorizer: nobody can be asked about rights here")
    }

    @Test(arguments: [
        ("dns1123Label", "my-name", true), ("dns1123Label", "My", false), ("dns1123Label", "a.b", false),
        ("dns1123Subdomain", "a.b-c", true), ("dns1123Subdomain", "a..b", false), ("dns1035Label", "1a", false),
        ("dns1035Label", "a1", true), ("dns1123LabelPrefix", "a-", true), ("dns1123LabelPrefix", "-", false),
        ("dns1123SubdomainPrefix", "a.b.-", true), ("dns1035LabelPrefix", "a-", true),
        ("qualifiedName", "a.b/c_D", true),
        ("qualifiedName", "a/b/c", false), ("qualifiedName", "/b", false), ("labelValue", "", true),
        ("labelValue", "-a", false),
        ("uri", "https://a/b", true), ("uri", "nothing", false), ("uuid", "123e4567-e89b-12d3-a456-426614174000", true),
        ("uuid", "123e4567", false), ("byte", "aGVsbG8=", true), ("byte", "a", false), ("date", "2024-02-29", true),
        ("date", "2023-02-29", false), ("datetime", "2021-01-01T00:00:00Z", true), ("datetime", "2021-01-01", false),
        ("dns1123Label", String(repeating: "a", count: 64), false),
    ])
    func formats(name: String, text: String, isValid: Bool) throws {
        let evaluator = CELEvaluator(environment)
        for call in ["format.\(name)()", "format.named('\(name)').value()"] {
            let value = try evaluator.evaluate(
                try CELProgram("\(call).validate('\(text)').hasValue()", in: environment))
            #expect(value.bool == !isValid, "\(call) \(text)")
        }
    }
}

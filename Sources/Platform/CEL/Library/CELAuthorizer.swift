// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A question about rights: may somebody do something with a resource, or with a path?
package struct CELAuthorizationQuestion: Sendable, Hashable {
    /// `system:serviceaccount:NAMESPACE:NAME`; nil for the one who made the request.
    package var user: String?
    /// Nil for a question about a resource.
    package var path: String?
    package var group = ""
    package var resource = ""
    package var subresource = ""
    package var namespace = ""
    package var name = ""
    package var fieldSelector = ""
    package var labelSelector = ""
    package var verb = ""

    package init() {}
}

package struct CELAuthorizationAnswer: Sendable, Hashable {
    package var isAllowed: Bool
    package var reason: String
    /// Why it could not be answered; empty when it could.
    package var error: String

    package init(isAllowed: Bool, reason: String = "", error: String = "") {
        (self.isAllowed, self.reason, self.error) = (isAllowed, reason, error)
    }
}

/// Answers what expressions ask of `authorizer`.
package struct CELAuthorizer: Sendable {
    package let answer: @Sendable (CELAuthorizationQuestion) -> CELAuthorizationAnswer

    package init(_ answer: @escaping @Sendable (CELAuthorizationQuestion) -> CELAuthorizationAnswer) {
        self.answer = answer
    }
}

/// What stands between `authorizer` and an answer.
package enum CELAuthority: Sendable, Hashable {
    case authorizer(CELAuthorizationQuestion)
    case path(CELAuthorizationQuestion)
    case group(CELAuthorizationQuestion)
    case resource(CELAuthorizationQuestion)
    case decision(CELAuthorizationAnswer)

    var typeName: String {
        let name =
            switch self {
            case .authorizer: "Authorizer"
            case .path: "PathCheck"
            case .group: "GroupCheck"
            case .resource: "ResourceCheck"
            case .decision: "Decision"
            }
        return "kubernetes.authorization.\(name)"
    }
}

extension CELFunctions {
    private static func text(_ arguments: [CELValue], _ index: Int, _ name: String) throws(CELError) -> String {
        guard index < arguments.count, case .string(let text) = arguments[index].resolved else {
            throw noOverload(name, arguments)
        }
        return text
    }

    static func addAuthorizerMethods(_ table: inout [String: Body]) {
        table["path"] = { arguments, _ in
            let path = try text(arguments, 1, "path")
            guard case .authority(.authorizer(var question)) = arguments[0] else {
                throw noOverload("path", arguments)
            }
            guard path.contains(where: { !$0.isWhitespace }) else { throw CELEvaluator.error("path must not be empty") }
            question.path = path
            return .authority(.path(question))
        }
        table["group"] = { arguments, _ in
            guard case .authority(.authorizer(var question)) = arguments[0] else {
                throw noOverload("group", arguments)
            }
            question.group = try text(arguments, 1, "group")
            return .authority(.group(question))
        }
        table["serviceAccount"] = { arguments, _ in
            guard case .authority(.authorizer(var question)) = arguments[0] else {
                throw noOverload("serviceAccount", arguments)
            }
            let namespace = try text(arguments, 1, "serviceAccount")
            let name = try text(arguments, 2, "serviceAccount")
            if !CELFormat.dns1123Subdomain.problems(of: name).isEmpty {
                throw CELEvaluator.error("Invalid service account name")
            }
            if !CELFormat.dns1123Label.problems(of: namespace).isEmpty {
                throw CELEvaluator.error("Invalid service account namespace")
            }
            question.user = "system:serviceaccount:\(namespace):\(name)"
            return .authority(.authorizer(question))
        }
        table["resource"] = { arguments, _ in
            guard case .authority(.group(var question)) = arguments[0] else { throw noOverload("resource", arguments) }
            let resource = try text(arguments, 1, "resource")
            guard resource.contains(where: { !$0.isWhitespace }) else {
                throw CELEvaluator.error("resource must not be empty")
            }
            question.resource = resource
            return .authority(.resource(question))
        }
        for name in ["subresource", "namespace", "name", "fieldSelector", "labelSelector"] {
            table[name] = { arguments, _ in
                guard case .authority(.resource(var question)) = arguments[0] else { throw noOverload(name, arguments) }
                let text = try text(arguments, 1, name)
                switch name {
                case "subresource": question.subresource = text
                case "namespace": question.namespace = text
                case "name": question.name = text
                case "fieldSelector": question.fieldSelector = text
                default: question.labelSelector = text
                }
                return .authority(.resource(question))
            }
        }
        table["check"] = { arguments, evaluator in
            let verb = try text(arguments, 1, "check")
            var question: CELAuthorizationQuestion
            switch arguments[0] {
            case .authority(.path(let known)), .authority(.resource(let known)): question = known
            default: throw noOverload("check", arguments)
            }
            question.verb = verb
            guard let authorizer = evaluator.authorizer else {
                throw CELEvaluator.error("authorizer: nobody can be asked about rights here")
            }
            return .authority(.decision(authorizer.answer(question)))
        }
        let parts: [(String, @Sendable (CELAuthorizationAnswer) -> CELValue)] = [
            ("allowed", { .bool($0.isAllowed) }), ("reason", { .string($0.reason) }),
            ("errored", { .bool(!$0.error.isEmpty) }), ("error", { .string($0.error) }),
        ]
        for (name, part) in parts {
            table[name] = { arguments, _ in
                guard case .authority(.decision(let answer)) = arguments[0] else { throw noOverload(name, arguments) }
                return part(answer)
            }
        }
    }
}

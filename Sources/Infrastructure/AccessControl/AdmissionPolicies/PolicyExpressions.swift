// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import CEL
import Documents

/// What expressions of admission policies may name: the variables of ValidatingAdmissionPolicy and their types.
struct PolicyExpressions {
    private(set) var environment: CELEnvironment

    /// Slots of what a request brings.
    struct Slots: Sendable {
        let object: Int
        let oldObject: Int
        let request: Int
        let namespaceObject: Int
        let authorizer: Int
        let requestResource: Int
        let params: Int
        /// Parts of `request` that expressions ask for by their names, so that the whole need not be made.
        let parts: [Int]
    }

    /// What of a request has to be brought.
    struct Asked: Sendable {
        let request: Bool
        let authorizer: Bool
        let requestResource: Bool
        /// Slots of parts, with their places in `parts`.
        let parts: [(slot: Int, place: Int)]

        init(_ used: Set<Int>, _ slots: Slots) {
            request = used.contains(slots.request)
            authorizer = used.contains(slots.authorizer)
            requestResource = used.contains(slots.requestResource)
            parts = slots.parts.enumerated().filter { used.contains($0.element) }
                .map { (slot: $0.element, place: $0.offset) }
        }
    }

    /// Parts of `request` with slots of their own.
    static let parts: [(name: String, type: CELType, value: @Sendable (AdmissionRequest) -> CELValue)] = [
        ("operation", .string, { .string($0.operation.rawValue) }), ("name", .string, { .string($0.name) }),
        ("namespace", .string, { .string($0.namespace) }), ("dryRun", .bool, { .bool($0.dryRun) }),
        ("subResource", .string, { .string($0.subresource) }), ("kind.kind", .string, { .string($0.kind.name) }),
        ("kind.group", .string, { .string($0.kind.group) }),
        ("resource.resource", .string, { .string($0.resource.name) }),
        ("resource.group", .string, { .string($0.resource.group) }),
        ("userInfo.username", .string, { .string($0.user) }),
        ("userInfo.groups", .list(.string), { .list($0.groups.map { .string($0) }) }),
    ]

    let slots: Slots
    private let hasParams: Bool

    init(hasParams: Bool) {
        var environment = CELEnvironment(isHomogeneous: true)
        for (name, fields) in Self.objects { environment.objects[name] = fields }
        slots = Slots(
            object: environment.declare("object", .dyn), oldObject: environment.declare("oldObject", .dyn),
            request: environment.declare("request", .object("kubernetes.AdmissionRequest")),
            namespaceObject: environment.declare("namespaceObject", .dyn),
            authorizer: environment.declare("authorizer", .opaque("kubernetes.authorization.Authorizer", [])),
            requestResource: environment.declare(
                "authorizer.requestResource", .opaque("kubernetes.authorization.ResourceCheck", [])),
            params: environment.declare("params", .dyn),
            parts: Self.parts.map { environment.declare("request.\($0.name)", $0.type) })
        self.environment = hasParams ? environment : environment.hiding(["params"])
        self.hasParams = hasParams
    }

    private static let objects: [String: [String: CELType]] = [
        "kubernetes.AdmissionRequest": [
            "kind": .object("kubernetes.GroupVersionKind"), "resource": .object("kubernetes.GroupVersionResource"),
            "subResource": .string, "requestKind": .object("kubernetes.GroupVersionKind"),
            "requestResource": .object("kubernetes.GroupVersionResource"), "requestSubResource": .string,
            "name": .string, "namespace": .string, "operation": .string,
            "userInfo": .object("kubernetes.UserInfo"), "dryRun": .bool, "options": .dyn,
        ],
        "kubernetes.GroupVersionKind": ["group": .string, "version": .string, "kind": .string],
        "kubernetes.GroupVersionResource": ["group": .string, "version": .string, "resource": .string],
        "kubernetes.UserInfo": [
            "username": .string, "uid": .string, "groups": .list(.string), "extra": .map(.string, .list(.string)),
        ],
    ]

    /// Adds `variables.NAME` with the type that its expression has; those before it may be named in it.
    mutating func declare(variable name: String, _ program: CELProgram) -> Int {
        environment.declare("variables.\(name)", program.type)
    }

    /// What may be named where nobody is asked about rights.
    var withoutAuthorizer: CELEnvironment { environment.hiding(["authorizer", "authorizer.requestResource"]) }

    /// What match conditions may name.
    var conditions: CELEnvironment { environment.hiding(["namespaceObject"]) }

    /// Reads an expression and checks it.
    static func program(
        _ fields: ObjectFields, _ key: String, in environment: CELEnvironment, giving types: [CELType] = []
    ) throws(GatekeeperError) -> CELProgram {
        let text = try fields.required(key)
        do throws(CELError) { return try CELProgram(text, in: environment, giving: types) } catch {
            throw GatekeeperError(.code, "\(fields.at(key)): \(error)")
        }
    }
}

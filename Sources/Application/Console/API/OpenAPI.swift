// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird

/// The OpenAPI 3.1 document, made from the same table of routes that the router is made from.
enum OpenAPI {
    static let routes = [
        Route(
            .get, "/api/v1/openapi.json", .open,
            Operation(id: "getDocument", summary: "This document", tag: "Document", answer: "Document")
        ) { _, parts in Reply.json(document(RouteTable.api, version: parts.version)) }
    ]

    static func document(_ routes: [Route], version: String) -> JSONValue {
        var paths: [JSONValue.Member] = []
        for route in routes {
            guard let operation = route.operation else { continue }
            let member = JSONValue.Member(
                name: route.method.rawValue.lowercased(), value: describe(operation, route))
            if let index = paths.firstIndex(where: { $0.name == route.path }),
                case .object(let known) = paths[index].value
            {
                paths[index].value = .object(known + [member])
            } else {
                paths.append(.init(name: route.path, value: .object([member])))
            }
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Bulwark", "version": .string(version),
                "description": "Everything that the console shows and does.",
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "security": [["token": []], ["session": []]],
            "paths": .object(paths),
            "components": [
                "securitySchemes": [
                    "token": ["type": "http", "scheme": "bearer"],
                    "session": [
                        "type": "apiKey", "in": "cookie", "name": .string(Sessions.cookieName),
                        "description": .string(
                            "A change needs the header \(Gate.formTokenHeader.rawName) with the session's form token."),
                    ],
                ],
                "schemas": .object(
                    Schemas.everything.map {
                        .init(name: $0.key, value: $0.value)
                    }),
            ],
        ]
    }

    private static func describe(_ operation: Operation, _ route: Route) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init(name: "operationId", value: .string(operation.id)),
            .init(name: "summary", value: .string(operation.summary)),
            .init(name: "tags", value: [.string(operation.tag)]),
            .init(name: "x-role", value: .string(route.access.rawValue)),
        ]
        if route.access == .open { members.append(.init(name: "security", value: [])) }
        let inPath = route.parameters.map { name -> JSONValue in
            ["name": .string(name), "in": "path", "required": true, "schema": Schemas.text]
        }
        let inQuery = operation.query.map { parameter -> JSONValue in
            [
                "name": .string(parameter.name), "in": "query", "required": .bool(parameter.isRequired),
                "description": .string(parameter.meaning), "schema": parameter.schema,
            ]
        }
        if !(inPath + inQuery).isEmpty { members.append(.init(name: "parameters", value: .array(inPath + inQuery))) }
        if let body = operation.body {
            members.append(.init(name: "requestBody", value: ["required": true, "content": content(body)]))
        }
        var success: [JSONValue.Member] = [.init(name: "description", value: "Done")]
        if let answer = operation.answer { success.append(.init(name: "content", value: content(answer))) }
        members.append(
            .init(
                name: "responses",
                value: .object([
                    .init(name: String(operation.status), value: .object(success)),
                    .init(name: "default", value: ["description": "Refused or failed", "content": content("Problem")]),
                ])))
        return .object(members)
    }

    private static func content(_ schema: String) -> JSONValue {
        ["application/json": ["schema": Schemas.named(schema)]]
    }
}

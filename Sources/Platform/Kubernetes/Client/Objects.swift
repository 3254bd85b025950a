// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// One object at a time.
extension APIClient {
    /// - Parameter namespace: nil for what lives in none.
    /// - Throws: `notFound` when there is none.
    package func get(_ resource: APIResource, namespace: String?, name: String) async throws -> APIObject {
        let document = try await send(APIRequest(path: resource.path(namespace: namespace, name: name)))
        return try APIObject(document.root, of: resource)
    }

    /// - Throws: `conflict` when it exists.
    package func create(
        _ resource: APIResource, namespace: String?, _ body: APIBody, options: WriteOptions = .init()
    ) async throws -> APIObject {
        try await write(
            .init(
                .post, path: resource.path(namespace: namespace), query: options.query(), body: body), resource)
    }

    /// Replaces the whole object; `body` names the resourceVersion that it was made from.
    package func replace(
        _ resource: APIResource, namespace: String?, name: String, _ body: APIBody, options: WriteOptions = .init()
    ) async throws -> APIObject {
        try await write(
            .init(
                .put, path: resource.path(namespace: namespace, name: name), query: options.query(), body: body),
            resource)
    }

    /// Server-side apply: creates the object or makes the fields in `body` ours.
    /// - Throws: `conflict` when another manager owns a field and `options.force` is not set.
    package func apply(
        _ resource: APIResource, namespace: String?, name: String, _ body: [UInt8], options: WriteOptions = .init()
    ) async throws -> APIObject {
        try await write(
            .init(
                .patch, path: resource.path(namespace: namespace, name: name), query: options.query(apply: true),
                body: APIBody(body, contentType: PatchKind.apply.rawValue), isIdempotent: true), resource)
    }

    /// - Parameter subresource: `status` or another part with a path of its own.
    package func patch(
        _ resource: APIResource, namespace: String?, name: String, _ body: String, as kind: PatchKind = .merge,
        subresource: String? = nil, options: WriteOptions = .init()
    ) async throws -> APIObject {
        let path = resource.path(namespace: namespace, name: name) + (subresource.map { "/" + $0.urlSegment } ?? "")
        return try await write(
            .init(
                .patch, path: path, query: options.query(apply: kind == .apply),
                body: APIBody(Array(body.utf8), contentType: kind.rawValue), isIdempotent: kind == .merge), resource)
    }

    /// - Parameter uid: delete only this very object, not a namesake made meanwhile.
    /// - Throws: `notFound` when there is none.
    package func delete(
        _ resource: APIResource, namespace: String?, name: String, uid: String? = nil, graceSeconds: Int? = nil,
        options: WriteOptions = .init()
    ) async throws {
        var fields = [#""apiVersion":"v1""#, #""kind":"DeleteOptions""#, #""propagationPolicy":"Background""#]
        if let uid { fields.append(#""preconditions":{"uid":\#(JSONText.quoted(uid))}"#) }
        if let graceSeconds { fields.append(#""gracePeriodSeconds":\#(graceSeconds)"#) }
        _ = try await exchange(
            .init(
                .delete, path: resource.path(namespace: namespace, name: name), query: options.query(delete: true),
                body: .json("{\(fields.joined(separator: ","))}")))
    }

    private func write(_ request: APIRequest, _ resource: APIResource) async throws -> APIObject {
        try APIObject(try await send(request).root, of: resource)
    }
}

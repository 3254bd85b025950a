// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Documents
import NIOCore

/// One line of a watch.
package enum WatchEvent: Sendable {
    case added(APIObject)
    case modified(APIObject)
    /// The object's last state.
    case deleted(APIObject)
    /// Everything up to this resource version has been delivered.
    case bookmark(resourceVersion: String)
}

/// The events of one watch, ending when the server ends it (its `timeoutSeconds`); the reader sets the pace.
///
/// - Throws: `expired` when the version is too old, `timeout` after `watchIdleTimeout` of silence, `emptyAnswer` or
///   `connection` when the connection breaks.
package struct WatchEvents: AsyncSequence, Sendable {
    let client: APIClient
    let resource: APIResource
    let path: String
    let body: HTTPClientResponse.Body

    package struct Iterator: AsyncIteratorProtocol {
        private let watch: WatchEvents
        private var chunks: HTTPClientResponse.Body.AsyncIterator
        private var pending = ByteBuffer()
        /// How many pending bytes are known to hold no line end.
        private var searched = 0

        init(_ watch: WatchEvents) {
            self.watch = watch
            chunks = watch.body.makeAsyncIterator()
        }

        package mutating func next() async throws -> WatchEvent? {
            while true {
                while let line = takeLine() {
                    if line.readableBytes > 0 { return try watch.event(line) }
                }
                let chunk: ByteBuffer?
                do {
                    chunk = try await chunks.next()
                } catch {
                    try Task.checkCancellation()
                    throw watch.client.describe(error, APIRequest(path: watch.path))
                }
                guard let chunk else {
                    guard pending.readableBytes == 0 else {
                        throw KubernetesError(
                            .emptyAnswer, "\(watch.client.name) cut a watch off in the middle of an event")
                    }
                    return nil
                }
                let limit = watch.client.options.maxEventBytes
                guard pending.readableBytes + chunk.readableBytes <= limit + (1 << 20) else {
                    throw KubernetesError(
                        .tooLarge, "\(watch.client.name) sent an event of \(watch.resource) of more than \(limit) bytes"
                    )
                }
                if pending.readableBytes == 0 {
                    pending = chunk
                } else {
                    pending.writeImmutableBuffer(chunk)
                    // What is read already would otherwise be kept for as long as the watch lives.
                    pending.discardReadBytes()
                }
            }
        }

        private mutating func takeLine() -> ByteBuffer? {
            let view = pending.readableBytesView
            guard let end = view.dropFirst(searched).firstIndex(of: UInt8(ascii: "\n")) else {
                searched = view.count
                return nil
            }
            searched = 0
            let line = pending.readSlice(length: end - view.startIndex)
            pending.moveReaderIndex(forwardBy: 1)
            return line
        }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(self) }

    private func event(_ line: ByteBuffer) throws -> WatchEvent {
        let document: Document
        do {
            document = try line.document(source: path)
        } catch {
            throw KubernetesError(
                .malformedAnswer, "\(client.name) sent an event of \(resource) in broken JSON: \(error)", cause: error)
        }
        guard let type = document.root["type"], let object = document.root["object"] else {
            throw KubernetesError(
                .malformedAnswer, "\(client.name) sent an event of \(resource) without type or object")
        }
        if type.equals("ADDED") { return .added(try APIObject(object, of: resource)) }
        if type.equals("MODIFIED") { return .modified(try APIObject(object, of: resource)) }
        if type.equals("DELETED") { return .deleted(try APIObject(object, of: resource)) }
        if type.equals("BOOKMARK") {
            return .bookmark(resourceVersion: object["metadata"]?["resourceVersion"]?.string ?? "")
        }
        if type.equals("ERROR") { throw client.statusError(of: object, path: path) }
        throw KubernetesError(
            .malformedAnswer, "\(client.name) sent an event of \(resource) of the unknown type \(type.json(limit: 40))")
    }
}

extension APIClient {
    /// Watches a resource from a list's `resourceVersion` on.
    /// - Parameters:
    ///   - version: where to begin; what came later is delivered.
    ///   - timeout: after it the server ends the watch, in whole seconds.
    /// - Throws: `refused` for Secrets; `expired` when the server no longer knows the version.
    package func watch(
        _ resource: APIResource, _ selection: Selection = .init(), from version: String,
        timeout: Duration = .seconds(300)
    ) async throws -> WatchEvents {
        try refuseSecrets(resource)
        var query = selection.query
        query.append(("watch", "true"))
        query.append(("resourceVersion", version))
        query.append(("allowWatchBookmarks", "true"))
        query.append(("timeoutSeconds", String(max(1, timeout.components.seconds))))
        let path = resource.path(namespace: selection.namespace)
        let body = try await open(APIRequest(path: path, query: query))
        return WatchEvents(client: self, resource: resource, path: path, body: body)
    }
}

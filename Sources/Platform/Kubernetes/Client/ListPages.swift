// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Which objects of a resource to ask for.
package struct Selection: Sendable {
    /// nil or empty: all namespaces.
    package var namespace: String?
    package var fieldSelector: String
    package var labelSelector: String

    package init(namespace: String? = nil, fieldSelector: String = "", labelSelector: String = "") {
        self.namespace = namespace
        self.fieldSelector = fieldSelector
        self.labelSelector = labelSelector
    }

    var query: [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if !fieldSelector.isEmpty { query.append(("fieldSelector", fieldSelector)) }
        if !labelSelector.isEmpty { query.append(("labelSelector", labelSelector)) }
        return query
    }
}

/// A part of a list.
package struct ListPage: Sendable {
    package var objects: [APIObject]
    /// The state of the cluster that the list shows; where a watch goes on. The same on every page of one list,
    /// unless `isConsistent` is false.
    package var resourceVersion: String
    /// How many objects are still to come, where the server knows.
    package var remaining: Int?
    /// False when the list took so long that the server forgot its beginning: the rest is from a newer state, and an
    /// object that moved meanwhile may be missing or seen twice.
    package var isConsistent: Bool
}

/// The pages of a list, each asked for when the reader wants it.
package struct ListPages: AsyncSequence, Sendable {
    /// What to do when the server forgets the list's state between two pages (410).
    package enum OnExpiry: Sendable {
        /// Go on with newer data and say so; without a token for that, throw.
        case goOn
        case fail
    }

    let client: APIClient
    let resource: APIResource
    let selection: Selection
    let limit: Int
    let onExpiry: OnExpiry

    package struct Iterator: AsyncIteratorProtocol {
        let list: ListPages
        private var limit: Int
        private var token: String?
        private var isConsistent = true
        private var isDone = false
        /// Expiries since the last page.
        private var expiries = 0

        init(_ list: ListPages) {
            self.list = list
            limit = list.limit
        }

        package mutating func next() async throws -> ListPage? {
            guard !isDone else { return nil }
            while true {
                do {
                    return try await page()
                } catch let failure as KubernetesError where failure.code == .tooLarge && limit > 1 {
                    // Big objects: the same place again, fewer at a time.
                    limit = Swift.max(1, limit / 4)
                } catch let failure as KubernetesError
                    where failure.code == .expired && token != nil && list.onExpiry == .goOn
                {
                    // Newer data that expires before it is read, over and over: the server cannot answer this.
                    expiries += 1
                    guard let newer = failure.fallbackContinue, !newer.isEmpty, expiries <= 5 else { throw failure }
                    token = newer
                    isConsistent = false
                }
            }
        }

        private mutating func page() async throws -> ListPage {
            var query = list.selection.query
            query.append(("limit", String(limit)))
            if let token { query.append(("continue", token)) }
            let path = list.resource.path(namespace: list.selection.namespace)
            let root = try await list.client.send(APIRequest(path: path, query: query)).root
            guard let items = root["items"], let metadata = root["metadata"] else {
                throw KubernetesError(
                    .malformedAnswer, "\(list.client.name) answered \(path) with no list (no items or no metadata)")
            }
            // An empty list of Go's is null.
            guard items.kind == .array || items.isNull else {
                throw KubernetesError(
                    .malformedAnswer, "\(list.client.name) answered \(path) with items of the wrong type")
            }
            var objects: [APIObject] = []
            objects.reserveCapacity(items.count)
            for item in items.elements { objects.append(try APIObject(item, of: list.resource)) }
            let next = metadata["continue"]?.string ?? ""
            isDone = next.isEmpty
            expiries = 0
            token = next
            return ListPage(
                objects: objects, resourceVersion: metadata["resourceVersion"]?.string ?? "",
                remaining: metadata["remainingItemCount"]?.int, isConsistent: isConsistent)
        }
    }

    package func makeAsyncIterator() -> Iterator { Iterator(self) }
}

extension APIClient {
    /// Lists a resource page by page. Memory is that of one page.
    /// - Parameter limit: objects a page; fewer when pages exceed `maxAnswerBytes`.
    /// - Throws: `refused` for Secrets.
    package func list(
        _ resource: APIResource, _ selection: Selection = .init(), limit: Int = 500,
        onExpiry: ListPages.OnExpiry = .goOn
    ) throws -> ListPages {
        try refuseSecrets(resource)
        return ListPages(client: self, resource: resource, selection: selection, limit: limit, onExpiry: onExpiry)
    }

    /// Secrets are never read in bulk, whatever a caller asks: what is not read cannot leak.
    func refuseSecrets(_ resource: APIResource) throws {
        guard !resource.isSecret else {
            throw KubernetesError(.refused, "Secrets are never listed or watched")
        }
    }
}

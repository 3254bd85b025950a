// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A field of a pod that no API server would take, so that nothing can be said about the pod.
package struct PodFieldError: Error, Sendable, Equatable, CustomStringConvertible {
    /// From the object's root: `spec.containers[0].ports`
    package var path: String
    /// What it must be, and what it is: `must be a list, not a string`
    package var message: String

    package init(path: String, message: String) {
        self.path = path
        self.message = message
    }

    /// The path is told from the document's root; `below` makes it the object's own.
    init(_ node: Node, expected: String) {
        self.init(
            path: node.path(below: node.document.root), message: "must be \(expected), not \(Self.name(node))")
    }

    /// The same error with its path told from `object`'s root.
    func below(_ object: Node) -> PodFieldError {
        let prefix = object.path(below: object.document.root)
        guard !prefix.isEmpty, path.hasPrefix(prefix) else { return self }
        var error = self
        error.path = String(path.dropFirst(prefix.count).drop { $0 == "." })
        return error
    }

    package var description: String { "\(path.isEmpty ? "the object" : path) \(message)" }

    private static func name(_ node: Node) -> String {
        switch node.kind {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "the number \(node.json(limit: 40))"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// Reading a value of the type that the API declares. Null is unset; any other type is an error.
extension Node {
    func text() throws(PodFieldError) -> String? {
        if let text = string { return text }
        if isNull { return nil }
        throw PodFieldError(self, expected: "a string")
    }

    func flag() throws(PodFieldError) -> Bool? {
        if let flag = bool { return flag }
        if isNull { return nil }
        throw PodFieldError(self, expected: "true or false")
    }

    func whole() throws(PodFieldError) -> Int? {
        if let whole = int { return whole }
        if isNull { return nil }
        throw PodFieldError(self, expected: "a whole number")
    }

    /// Empty when unset.
    func list() throws(PodFieldError) -> Elements {
        guard isArray || isNull else { throw PodFieldError(self, expected: "a list") }
        return elements
    }

    /// Empty when unset.
    func fields() throws(PodFieldError) -> Members {
        guard isObject || isNull else { throw PodFieldError(self, expected: "an object") }
        return members
    }

    /// An element of a list must be there.
    func element() throws(PodFieldError) -> Members {
        guard isObject else { throw PodFieldError(self, expected: "an object") }
        return members
    }

    func texts() throws(PodFieldError) -> [String] {
        var texts: [String] = []
        let list = try list()
        texts.reserveCapacity(list.underestimatedCount)
        for element in list {
            guard let text = element.string else { throw PodFieldError(element, expected: "a string") }
            texts.append(text)
        }
        return texts
    }

    func wholes() throws(PodFieldError) -> [Int] {
        var wholes: [Int] = []
        for element in try list() {
            guard let whole = element.int else { throw PodFieldError(element, expected: "a whole number") }
            wholes.append(whole)
        }
        return wholes
    }
}

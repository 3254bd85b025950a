// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What expressions may name, and what they are checked against.
package struct CELEnvironment: Sendable {
    package struct Variable: Sendable {
        package let name: String
        package let type: CELType
    }

    /// Names are also looked up below this one: `a.b`.
    package var container: String
    /// Whether names that are not declared may turn up at evaluation; without it they are errors.
    package var isOpen: Bool
    /// Whether the elements of a list or map literal must have one type, as Kubernetes asks.
    package var isHomogeneous: Bool
    package private(set) var variables: [Variable] = []
    /// Of the variables, by slot.
    private(set) var names: [String] = []
    /// Fields of objects, by the object's name.
    package var objects: [String: [String: CELType]] = [:]
    /// Functions beside those of the libraries: declared, never evaluated.
    package var functions: [String: [CELOverload]] = [:]
    private var places: [String: Int] = [:]

    package init(container: String = "", isOpen: Bool = false, isHomogeneous: Bool = false) {
        (self.container, self.isOpen, self.isHomogeneous) = (container, isOpen, isHomogeneous)
    }

    /// Adds a variable, `a` or `a.b`, and gives the slot that evaluations keep its value in.
    @discardableResult package mutating func declare(_ name: String, _ type: CELType) -> Int {
        if let place = places[name] {
            variables[place] = Variable(name: name, type: type)
            return place
        }
        places[name] = variables.count
        variables.append(Variable(name: name, type: type))
        names.append(name)
        return variables.count - 1
    }

    /// The same, but for names that cannot be said; what is kept in which slot stays.
    package func hiding(_ names: [String]) -> CELEnvironment {
        var other = self
        for name in names { other.places[name] = nil }
        return other
    }

    package func slot(_ name: String) -> Int? { places[name] }

    /// The variable that a name means here, the longest candidate first.
    func find(_ name: String) -> Int? {
        for candidate in CELProgram.candidates(name, container) { if let place = places[candidate] { return place } }
        return nil
    }
}

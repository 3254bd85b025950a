// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// What a judge says about one object, pod or container.
enum Verdict {
    case pass
    /// The check does not concern what was asked about.
    case notApplicable
    case problem(Problem)

    /// A failure with its evidence. `path` is relative to what was judged, unless it is `.absolute`.
    static func fail(_ message: String, _ path: FieldPath, _ value: Node? = nil) -> Verdict {
        .problem(Problem(isWarning: false, message: message, path: path, value: value))
    }

    /// A failure whose evidence is a place alone: what stands there may hold anything, so it is not shown.
    static func fail(_ message: String, _ path: FieldPath, at place: Node?) -> Verdict {
        .problem(Problem(isWarning: false, message: message, path: path, value: place, isPlaceOnly: true))
    }

    /// A concern that may be no problem: what it depends on is not among the inspected objects.
    static func warn(_ message: String, _ path: FieldPath, _ value: Node? = nil) -> Verdict {
        .problem(Problem(isWarning: true, message: message, path: path, value: value))
    }

    struct Problem {
        let isWarning: Bool
        let message: String
        let path: FieldPath
        let value: Node?
        var isPlaceOnly = false
    }
}

/// Where evidence stands, written as people write it: `securityContext.capabilities.add[0]`.
enum FieldPath: ExpressibleByStringLiteral {
    /// From the container that was judged.
    case relative(String)
    /// From the pod spec, whatever was judged.
    case pod(String)
    /// From the pod template's own root, e.g. its metadata.
    case template(String)
    /// From the root of the object.
    case object(String)

    init(stringLiteral value: String) { self = .relative(value) }

    var text: String {
        switch self {
        case .relative(let text), .pod(let text), .template(let text), .object(let text): text
        }
    }
}

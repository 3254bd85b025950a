// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Requests and limits.
enum Resources {
    static func ephemeralStorage(_ container: Container, _: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        // Ephemeral containers may not have resources at all.
        if container.role == .ephemeral { return .notApplicable }
        let resources = try container.node.object("resources")
        for key: StaticString in ["limits", "requests"] {
            let list = try resources?.object(key)
            if list?["ephemeral-storage"].map({ !$0.isNull }) != true {
                return .fail(
                    "The container has no ephemeral-storage \(key == "limits" ? "limit" : "request").",
                    .relative("resources.\(key).ephemeral-storage"))
            }
        }
        return .pass
    }
}

extension StaticString {
    static func == (left: StaticString, right: StaticString) -> Bool {
        left.withUTF8Buffer { left in right.withUTF8Buffer { right in left.elementsEqual(right) } }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson

extension Node {
    /// Where this stands below `ancestor`: `spec.containers[0].ports`. A key that is no plain word is bracketed:
    /// `metadata.annotations[a.b/c]`. Empty for `ancestor` itself and for what does not stand below it.
    ///
    /// Walks the siblings on the way down: for messages, not for hot paths.
    package func path(below ancestor: Node) -> String {
        var path = ""
        var current = ancestor
        descent: while current.index < index, document === ancestor.document {
            var next = current.index + 1
            let isArray = current.isArray
            for place in 0..<current.count {
                let child = Node(document: document, index: next)
                next = Int32(truncatingIfNeeded: document.entries[Int(next)].next)
                guard index < next else { continue }
                if isArray {
                    path += "[\(place)]"
                } else if let key = child.key?.string {
                    path += Self.isWord(key) ? (path.isEmpty ? "" : ".") + key : "[\(key)]"
                }
                current = child
                continue descent
            }
            return ""
        }
        return path
    }

    private static func isWord(_ key: String) -> Bool {
        !key.isEmpty
            && key.utf8.allSatisfy {
                ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F
                    || $0 == 0x2D
            }
    }
}

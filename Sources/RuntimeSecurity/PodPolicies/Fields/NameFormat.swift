// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The forms of names that policies hold, by their bytes.
enum NameFormat {
    /// A DNS subdomain (RFC 1123): labels of a-z, 0-9 and `-` with dots between, at most 253 bytes.
    static func isSubdomain(_ text: String) -> Bool {
        let labels = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        return text.utf8.count <= 253
            && labels.allSatisfy { label in
                label.allSatisfy { isAlphanumeric($0) || $0 == 0x2D } && bordersAreAlphanumeric(label)
            }
    }

    /// A sysctl's name, whose last segment may end in `*` or be it.
    static func isSysctlPattern(_ text: String) -> Bool {
        var segments = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, var last = segments.popLast() else { return false }
        let isInner: (UInt8) -> Bool = { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F }
        guard segments.allSatisfy({ $0.allSatisfy(isInner) && bordersAreAlphanumeric($0) }) else { return false }
        guard last.last == 0x2A else { return last.allSatisfy(isInner) && bordersAreAlphanumeric(last) }
        last = last.dropLast()
        return last.first.map(isAlphanumeric) ?? true && last.allSatisfy(isInner)
    }

    static func isSeccomp(_ text: String) -> Bool {
        guard text.hasPrefix("localhost/") else {
            return ["runtime/default", "docker/default", "unconfined"].contains(text)
        }
        let file = text.dropFirst(10)
        return !file.hasPrefix("/") && !file.split(separator: "/").contains("..")
    }

    /// An empty text is taken, as by the API server; it matches nothing.
    static func isAppArmor(_ text: String) -> Bool {
        ["", "runtime/default", "unconfined"].contains(text) || text.hasPrefix("localhost/")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }

    private static func bordersAreAlphanumeric(_ text: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = text.first, let last = text.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Which objects of one resource exist, and in which version: enough to notice what was missed in a gap.
///
/// Holds no object. An entry costs 200 to 300 bytes with names of 40 characters (see `bytes`): uid and resource version
/// are kept as numbers where they are a UUID and a decimal number, which they are on every known server.
struct Snapshot: Sendable {
    struct Key: Hashable, Sendable {
        var namespace: String
        var name: String
    }

    private struct Entry: Sendable {
        var uid: UID
        var version: Version
        /// The list pass that saw it last.
        var pass: UInt32
    }

    private enum UID: Equatable, Sendable {
        case uuid(UInt64, UInt64)
        case text(String)
    }

    private enum Version: Equatable, Sendable {
        case number(UInt64)
        case text(String)
    }

    /// What an observation means.
    enum Change: Sendable {
        /// Nothing new.
        case same
        case new
        /// The same object in another version.
        case changed(ObjectIdentity)
        /// Another object under the old name: the old one is gone.
        case recreated(ObjectIdentity)
    }

    let resource: APIResource
    private var entries: [Key: Entry] = [:]
    /// One copy of each namespace's name.
    private var namespaces: Set<String> = []
    private var pass: UInt32 = 0

    init(_ resource: APIResource) { self.resource = resource }

    var count: Int { entries.count }

    /// An estimate of the memory held, in bytes: the table's slots, the names, the allocator's overhead.
    var bytes: Int {
        let slots = entries.capacity * 4 / 3 * (MemoryLayout<Key>.stride + MemoryLayout<Entry>.stride)
        let names = entries.keys.reduce(0) { $0 + ($1.name.utf8.count > 15 ? ($1.name.utf8.count + 33 + 15) & ~15 : 0) }
        return slots + names
    }

    /// All identities, in no order.
    var identities: [ObjectIdentity] { entries.map { identity($0.key, $0.value) } }

    subscript(namespace namespace: String, name name: String) -> ObjectIdentity? {
        let key = Key(namespace: namespace, name: name)
        return entries[key].map { identity(key, $0) }
    }

    /// Notes that an object exists.
    mutating func observe(_ identity: ObjectIdentity) -> Change {
        let entry = Entry(uid: Self.uid(identity.uid), version: Self.version(identity.resourceVersion), pass: pass)
        let key = Key(namespace: shared(identity.namespace), name: identity.name)
        guard let index = entries.index(forKey: key) else {
            entries[key] = entry
            return .new
        }
        let old = entries.values[index]
        entries.values[index] = entry
        if old.uid != entry.uid { return .recreated(self.identity(key, old)) }
        return old.version == entry.version ? .same : .changed(self.identity(key, old))
    }

    /// Notes that an object is gone.
    /// - Returns: whether it was known; false also when another object has its name by now.
    mutating func remove(_ identity: ObjectIdentity) -> Bool {
        let key = Key(namespace: identity.namespace, name: identity.name)
        guard let entry = entries[key], entry.uid == Self.uid(identity.uid) else { return false }
        entries[key] = nil
        return true
    }

    /// Begins a list of everything.
    mutating func beginPass() { pass &+= 1 }

    /// Ends it: what was not observed since is gone.
    mutating func endPass() -> [ObjectIdentity] {
        let gone = entries.filter { $0.value.pass != pass }.map { identity($0.key, $0.value) }
        for identity in gone { entries[Key(namespace: identity.namespace, name: identity.name)] = nil }
        return gone
    }

    private mutating func shared(_ namespace: String) -> String {
        namespaces.insert(namespace).memberAfterInsert
    }

    private func identity(_ key: Key, _ entry: Entry) -> ObjectIdentity {
        ObjectIdentity(
            apiVersion: resource.apiVersion, kind: resource.kind, namespace: key.namespace, name: key.name,
            uid: Self.text(entry.uid), resourceVersion: Self.text(entry.version))
    }

    private static func uid(_ text: String) -> UID {
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (position, byte) in text.utf8.enumerated() {
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == UInt8(ascii: "-") else { return .text(text) }
                continue
            }
            let digit: UInt64
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = UInt64(byte - UInt8(ascii: "a") + 10)
            default: return .text(text)
            }
            if digits < 16 { halves.0 = halves.0 << 4 | digit } else { halves.1 = halves.1 << 4 | digit }
            digits += 1
            if digits > 32 { return .text(text) }
        }
        return digits == 32 ? .uuid(halves.0, halves.1) : .text(text)
    }

    private static func text(_ uid: UID) -> String {
        switch uid {
        case .text(let text): return text
        case .uuid(let high, let low):
            var bytes: [UInt8] = []
            for position in 0..<32 {
                if position == 8 || position == 12 || position == 16 || position == 20 {
                    bytes.append(UInt8(ascii: "-"))
                }
                let half = position < 16 ? high : low
                let digit = UInt8(truncatingIfNeeded: half >> UInt64(60 - (position % 16) * 4)) & 0xf
                bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func version(_ text: String) -> Version {
        // Only a text that comes back the same: no leading zero or plus.
        guard let number = UInt64(text), String(number) == text else { return .text(text) }
        return .number(number)
    }

    private static func text(_ version: Version) -> String {
        switch version {
        case .number(let number): String(number)
        case .text(let text): text
        }
    }
}

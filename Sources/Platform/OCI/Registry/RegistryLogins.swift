// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Logins that somebody hands over as a text in Docker's form, for the registries that it names and no others.
///
/// What a text may name beside logins, programs that give them out, is not read: a text of somebody else's runs nothing here.
package struct RegistryLogins: Sendable, CustomStringConvertible, CustomReflectable {
    private let auths: Node
    private let source: String

    /// - Parameters:
    ///   - text: `{"auths": {"registry.example.org": {"auth": "…"}}}`; for the form before it, what `auths` holds.
    ///   - source: whose it is, for messages.
    /// - Throws: `malformed`, `tooLarge`; neither tells what stands there.
    package init(_ text: [UInt8], isOldForm: Bool = false, source: String) throws(OCIError) {
        self.source = source.plain()
        let root: Node
        do throws(OCIError) { root = try JSONFields(text, name: source, limit: 1 << 20).root } catch {
            throw OCIError(error.code, "\(source.plain()) holds no logins in Docker's form")
        }
        guard let auths = isOldForm ? root : root["auths"], auths.isObject else {
            throw OCIError(.malformed, "\(source.plain()) holds no logins in Docker's form")
        }
        self.auths = auths
    }

    /// Whether there is one that can be used for this image's registry.
    package func names(_ reference: ImageReference) -> Bool {
        (try? login(registry: reference.registry, repository: reference.repository)) != nil
    }

    /// The most exact name first; then those with `*`, which stands for a part of a label.
    /// - Throws: `malformed` for a login that cannot be read.
    func login(registry: String, repository: String) throws(OCIError) -> RegistryLogin? {
        for name in RegistryCredentials.names(registry, repository) {
            for (key, entry) in auths.members where RegistryCredentials.host(key.string) == name {
                if let login = try RegistryCredentials.read(entry, key.string, source) { return login }
            }
        }
        for (key, entry) in auths.members.prefix(1000) {
            let name = RegistryCredentials.host(key.string)
            guard name.contains("*"), Self.matches(name, registry, repository) else { continue }
            if let login = try RegistryCredentials.read(entry, key.string, source) { return login }
        }
        return nil
    }

    /// As the kubelet has it: as many labels, the same port, and a path that the repository begins with.
    static func matches(_ pattern: String, _ registry: String, _ repository: String) -> Bool {
        let parts = pattern.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, !parts[1].isEmpty, repository != parts[1], !repository.hasPrefix(parts[1] + "/") {
            return false
        }
        guard pattern.utf8.count <= 1024, let wanted = parts.first else { return false }
        let (names, labels) = (wanted.lowercased().split(separator: "."), registry.lowercased().split(separator: "."))
        return names.count == labels.count && zip(names, labels).allSatisfy { isLike($1, $0) }
    }

    /// Linear in the pieces between stars: each is looked for behind the one before.
    private static func isLike(_ label: Substring, _ pattern: Substring) -> Bool {
        let pieces = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard pieces.count > 1, let first = pieces.first, let last = pieces.last else { return label == pattern }
        guard label.hasPrefix(first), label.hasSuffix(last), label.utf8.count >= first.utf8.count + last.utf8.count
        else { return false }
        var rest = label.dropFirst(first.count).dropLast(last.count)
        for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let range = rest.firstRange(of: piece) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }

    package var description: String { "(logins)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

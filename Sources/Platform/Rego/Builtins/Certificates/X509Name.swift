// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A distinguished name, as it stands and taken apart.
struct X509Name: Sendable {
    let encoded: ArraySlice<UInt8>
    /// Attributes in order: type and value.
    let attributes: [(type: [Int], value: DERElement)]

    init(_ element: DERElement) throws {
        encoded = element.encoded
        var found: [(type: [Int], value: DERElement)] = []
        for set in try element.expect(DERElement.Tag.sequence).elements() {
            for attribute in try set.expect(DERElement.Tag.set).elements() {
                let parts = try attribute.expect(DERElement.Tag.sequence).elements()
                guard parts.count == 2 else { throw DERError("invalid name") }
                found.append((try parts[0].identifier(), parts[1]))
                guard found.count <= 1_000 else { throw DERError("a name has too many parts") }
            }
        }
        attributes = found
    }

    /// In the shape of Go's pkix.Name.
    var value: Value {
        let lists: [(String, Int)] = [
            ("Country", 6), ("Organization", 10), ("OrganizationalUnit", 11), ("Locality", 7), ("Province", 8),
            ("StreetAddress", 9), ("PostalCode", 17),
        ]
        var members: [(Value, Value)] = [(.string("ExtraNames"), .null)]
        func texts(_ arc: Int) -> [Value] {
            attributes.filter { $0.type == [2, 5, 4, arc] }.compactMap { $0.value.string.map { .string($0) } }
        }
        for (name, arc) in lists {
            let found = texts(arc)
            members.append((.string(name), found.isEmpty ? .null : .array(found)))
        }
        members.append((.string("SerialNumber"), texts(5).last ?? .string("")))
        members.append((.string("CommonName"), texts(3).last ?? .string("")))
        let names = attributes.map { attribute -> Value in
            .object(
                ObjectValue([
                    (.string("Type"), .array(attribute.type.map { .int($0) })),
                    (.string("Value"), attribute.value.string.map { .string($0) } ?? .null),
                ]))
        }
        members.append((.string("Names"), names.isEmpty ? .null : .array(names)))
        return .object(ObjectValue(members))
    }
}

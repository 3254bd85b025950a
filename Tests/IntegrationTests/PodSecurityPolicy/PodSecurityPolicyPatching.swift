// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents

struct PatchProblem: Error, CustomStringConvertible {
    let description: String
}

extension EditValue {
    /// Applies one step of a JSON patch as RFC 6902 says: what it stands on must be there.
    func applying(_ step: JSONPatchOperation) throws -> EditValue {
        let value = EditValue(try JSONReader.read(Array(step.value.utf8), source: "patch").root)
        let names = step.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
            String($0).replacing("~1", with: "/").replacing("~0", with: "~")
        }
        return try setting(names[...], to: value, step)
    }

    private func setting(
        _ names: ArraySlice<String>, to value: EditValue, _ step: JSONPatchOperation
    ) throws -> EditValue {
        guard let name = names.first else { return value }
        let rest = names.dropFirst()
        switch self {
        case .object(var members):
            if let index = members.firstIndex(where: { $0.key == name }) {
                members[index].value = try members[index].value.setting(rest, to: value, step)
            } else {
                guard rest.isEmpty else { throw PatchProblem(description: "\(name) of \(step.path) is not there") }
                members.append((name, value))
            }
            return .object(members)
        case .array(var elements):
            guard let index = Int(name), elements.indices.contains(index), !rest.isEmpty else {
                throw PatchProblem(description: "\(name) of \(step.path) is not there")
            }
            elements[index] = try elements[index].setting(rest, to: value, step)
            return .array(elements)
        default: throw PatchProblem(description: "\(name) of \(step.path) stands in a scalar")
        }
    }
}

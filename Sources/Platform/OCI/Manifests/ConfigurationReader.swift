// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension ImageConfiguration {
    /// Reads an OCI image configuration or Docker's image JSON.
    /// - Throws: `malformed`, also where there are no diffIDs; `tooLarge`.
    package init(_ bytes: [UInt8], name: String) throws(OCIError) {
        let reader = try JSONFields(bytes, name: "configuration of \(name)")
        let root = reader.root
        architecture = try reader.text(root, "architecture")
        os = try reader.text(root, "os")
        variant = try reader.text(root, "variant")
        created = try reader.text(root, "created")
        author = try reader.text(root, "author")
        guard let rootfs = root["rootfs"], rootfs.isObject else {
            throw reader.wrong("it has no rootfs, and so does not say what its layers are")
        }
        for text in try reader.texts(rootfs, "diff_ids") {
            do throws(OCIError) { diffIDs.append(try Digest(text).description) } catch {
                throw OCIError(error.code, "\(reader.name): diff_ids: \(error.message)")
            }
        }
        guard diffIDs.count <= Manifest.maxEntries else {
            throw OCIError(.tooLarge, "\(reader.name) has \(diffIDs.count) layers")
        }
        if let config = root["config"], !config.isNull {
            guard config.isObject else { throw reader.wrong("config is no object") }
            user = try reader.text(config, "User")
            environment = try reader.texts(config, "Env")
            entrypoint = try reader.texts(config, "Entrypoint")
            command = try reader.texts(config, "Cmd")
            workingDirectory = try reader.text(config, "WorkingDir")
            exposedPorts = try reader.keys(config, "ExposedPorts")
            volumes = try reader.keys(config, "Volumes")
            labels = try reader.labels(config, "Labels")
            if let check = config["Healthcheck"], !check.isNull { healthcheck = try reader.texts(check, "Test") }
        }
        if let steps = root["history"], !steps.isNull {
            guard steps.isArray else { throw reader.wrong("history is no array") }
            for node in steps.elements {
                var step = Step()
                step.createdBy = try reader.text(node, "created_by")
                step.created = try reader.text(node, "created")
                step.comment = try reader.text(node, "comment")
                step.isEmptyLayer = node["empty_layer"]?.bool ?? false
                history.append(step)
            }
        }
    }

    /// The instruction that made each layer; empty where history does not tell of as many layers as there are.
    var layerSteps: [String] {
        let steps = history.filter { !$0.isEmptyLayer }
        guard steps.count == diffIDs.count else { return Array(repeating: "", count: diffIDs.count) }
        return steps.map(\.createdBy)
    }
}

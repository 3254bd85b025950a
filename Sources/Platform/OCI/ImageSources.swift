// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Glibc
import Logging

/// Finds an image by what a user calls it.
///
/// | name | where |
/// |---|---|
/// | `docker-archive:FILE[:NAME]` | a tar of `docker save`, compressed or not |
/// | `oci-archive:FILE[:NAME]`, `oci:FOLDER[:NAME]` | an OCI layout as a tar or folder |
/// | `docker-daemon:NAME` | Docker on this machine, over its socket |
/// | `containers-storage:NAME` | podman's storage |
/// | `containerd:NAME` | containerd's storage |
/// | `registry:NAME`, `docker://NAME` | a registry |
///
/// Without a prefix: a file or layout of that name where there is one, else the storages, else the registry.
package enum ImageSources {
    private enum Source { case dockerArchive, ociArchive, archive, layout, docker, podman, containerd, registry, any }

    private static let prefixes: [(String, Source)] = [
        ("docker-archive:", .dockerArchive), ("oci-archive:", .ociArchive), ("oci:", .layout),
        ("docker-daemon:", .docker), ("containers-storage:", .podman), ("containerd:", .containerd),
        ("registry:", .registry),
        ("docker://", .registry),
    ]

    /// The image with its configuration; layers are read when they are asked for.
    package static func open(
        _ name: String, _ options: ImageSourceOptions = ImageSourceOptions(),
        logger: Logger = Logger(label: "bulwark.images")
    ) async throws(OCIError) -> Image {
        guard !name.isEmpty, name.utf8.count <= 8192, !name.utf8.contains(0) else {
            throw OCIError(
                .malformed, name.isEmpty ? "an image's name is empty" : "\(name.excerpt()) is no image's name")
        }
        var source = Source.any
        var rest = name
        for (prefix, kind) in prefixes where name.hasPrefix(prefix) {
            source = kind
            rest = String(name.dropFirst(prefix.count))
            break
        }
        switch source {
        case .dockerArchive, .ociArchive, .archive, .layout:
            let (path, imageName) = split(rest)
            return try local(source, path: path, named: imageName ?? options.imageName, shown: name, options)
        case .docker:
            return try await DockerDaemon(options).image(rest, shown: name)
        case .podman:
            return try ContainersStorage(options).image(rest, shown: name)
        case .containerd:
            return try Containerd(options).image(rest, shown: name)
        case .registry:
            return try await RegistryClient(options.registry, logger: logger)
                .image(ImageReference(rest), platform: options.platform, as: name)
        case .any:
            return try await find(name, options, logger)
        }
    }

    private static func find(
        _ name: String, _ options: ImageSourceOptions, _ logger: Logger
    ) async throws(OCIError) -> Image {
        let (path, imageName) = split(name)
        let isPath = ["/", "./", "../"].contains { name.hasPrefix($0) } || name == "." || name == ".."
        switch kind(path) {
        case S_IFREG:
            do throws(OCIError) {
                return try local(.archive, path: path, named: imageName ?? options.imageName, shown: name, options)
            } catch {
                guard error.code == .malformed, !isPath, (try? ImageReference(name)) != nil else { throw error }
                // A file that only has the name of the image that was meant.
                throw OCIError(
                    .malformed, "\(error.message); for an image of this name write registry:\(name.plain())",
                    cause: error.cause)
            }
        case S_IFDIR where ImageLayout.isOne(path: path):
            return try local(.layout, path: path, named: imageName ?? options.imageName, shown: name, options)
        case S_IFDIR where isPath:
            throw OCIError(.malformed, "\(path.plain()) is a folder, but no OCI layout: it has no index.json")
        case nil where isPath:
            throw OCIError(.notFound, "there is no file \(path.excerpt())")
        default: break
        }
        let reference = try ImageReference(name)
        if options.usesLocalStorage {
            for source in [Source.docker, .podman, .containerd] {
                do throws(OCIError) {
                    let found: Image? =
                        switch source {
                        case .docker: try await DockerDaemon(options).find(reference, shown: name)
                        case .podman: try ContainersStorage(options).find(reference, shown: name)
                        default: try Containerd(options).find(reference, shown: name)
                        }
                    if let found { return found }
                } catch {
                    guard error.code != .cancelled else { throw error }
                    // What only root may read, say, is no reason not to ask the registry.
                    logger.debug("an image cannot be looked for on this machine", metadata: ["reason": "\(error)"])
                }
            }
        }
        return try await RegistryClient(options.registry, logger: logger)
            .image(reference, platform: options.platform, as: name)
    }

    private static func local(
        _ source: Source, path: String, named name: String?, shown: String, _ options: ImageSourceOptions
    ) throws(OCIError) -> Image {
        if source == .layout {
            return try ImageLayout(path: path).image(named: name, platform: options.platform, as: shown)
        }
        let folder = try ArchiveFolder(path: path, options: options)
        // Newer versions of Docker write both; manifest.json has the names.
        if source == .ociArchive || (source == .archive && !DockerArchive.isOne(folder) && ImageLayout.isOne(folder)) {
            return try ImageLayout(folder).image(named: name, platform: options.platform, as: shown)
        }
        let image = try DockerArchive(folder).image(named: name, as: shown)
        try ImageIndexes.check(image.configuration, options.platform, name: shown)
        return image
    }

    /// `FILE:NAME` in two, at the first colon where what is before it exists.
    private static func split(_ text: String) -> (path: String, name: String?) {
        if kind(text) != nil { return (text, nil) }
        var at = text.startIndex
        while let colon = text[at...].firstIndex(of: ":") {
            let path = String(text[..<colon])
            let name = text[colon...].dropFirst()
            if !path.isEmpty, !name.isEmpty, kind(path) != nil { return (path, String(name)) }
            at = text.index(after: colon)
        }
        return (text, nil)
    }

    private static func kind(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }
}

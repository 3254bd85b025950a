// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1

/// Images of Docker on this machine, which gives them as it saves them: `GET /images/NAME/get` over its socket.
struct DockerDaemon {
    private let options: ImageSourceOptions
    private let socket: String

    init(_ options: ImageSourceOptions) {
        self.options = options
        let host = options.registry.environment["DOCKER_HOST"] ?? ""
        socket =
            options.dockerSocket ?? (host.hasPrefix("unix://") ? String(host.dropFirst(7)) : "/var/run/docker.sock")
    }

    /// - Throws: `notFound`, also where no Docker listens; `unauthorized` where this user may not ask it.
    func image(_ wanted: String, shown: String) async throws(OCIError) -> Image {
        guard !wanted.isEmpty else { throw OCIError(.malformed, "\(shown.excerpt()) names no image") }
        guard access(socket, F_OK) == 0 else { throw OCIError(.notFound, "no Docker listens at \(socket.plain())") }
        guard access(socket, R_OK | W_OK) == 0 else {
            throw OCIError(.unauthorized, "Docker at \(socket.plain()): \(String(cString: strerror(errno)))")
        }
        let file: FileRange
        do { file = try await fetch(wanted) } catch let error as OCIError { throw error } catch let error
            as ArchiveError
        {
            throw OCIError(error, shown)
        } catch is CancellationError {
            throw OCIError(.cancelled, "\(shown.plain()): cancelled")
        } catch {
            throw OCIError(.server, "Docker at \(socket.plain()) does not answer: \("\(error)".plain(200))")
        }
        let image = try DockerArchive(ArchiveFolder(file, path: shown.plain(), options: options)).image(
            named: nil, as: shown)
        try ImageIndexes.check(image.configuration, options.platform, name: shown)
        return image
    }

    /// The same by a complete reference; nil where there is none.
    func find(_ reference: ImageReference, shown: String) async throws(OCIError) -> Image? {
        do throws(OCIError) { return try await image(reference.description, shown: shown) } catch {
            guard error.code == .notFound else { throw error }
            return nil
        }
    }

    private func fetch(_ wanted: String) async throws -> FileRange {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        // Docker packs the image before it sends the first byte.
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(300))
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let file = try await fetch(wanted, client)
            try await client.shutdown()
            return file
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private func fetch(_ wanted: String, _ client: HTTPClient) async throws -> FileRange {
        let url = "http+unix://\(RegistryTokens.escaped(socket))/images/\(RegistryTokens.escaped(wanted))/get"
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Host", value: "docker")
        let response = try await client.execute(request, timeout: .seconds(300), logger: nil)
        guard response.status.code == 200 else {
            await response.body.drain()
            let isMissing = response.status.code == 404
            throw OCIError(
                isMissing ? .notFound : .server,
                isMissing ? "Docker has no image \(wanted.excerpt())" : "Docker answered \(response.status.code)")
        }
        let file = try PrivateFile(in: options.temporaryFolder)
        for try await chunk in response.body {
            guard Int64(chunk.readableBytes) <= options.maxUnpackedBytes - file.size else {
                throw OCIError(.tooLarge, "image \(wanted.excerpt()) has more than \(options.maxUnpackedBytes) bytes")
            }
            try chunk.withUnsafeReadableBytes { try file.write($0) }
        }
        return try file.range(named: "image \(wanted.plain())")
    }
}

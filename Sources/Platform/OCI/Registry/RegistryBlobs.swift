// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1

extension RegistryClient {
    /// The bytes of a blob in a file that nobody else can write to, checked against its digest.
    ///
    /// A download that breaks off goes on where it stopped.
    func blob(_ descriptor: Descriptor, _ endpoint: Endpoint) async throws(OCIError) -> FileRange {
        let what = "blob \(descriptor.digest)"
        if let kept = try kept(descriptor) { return kept }
        var download: BlobDownload
        do throws(ArchiveError) { download = try BlobDownload(descriptor, options) } catch {
            throw OCIError(error, what)
        }
        let deadline = ContinuousClock.now + options.blobTimeout
        var attempt = 1
        // Each that brings a piece may be followed by others, but not for ever.
        for _ in 0..<1000 {
            let before = download.file.size
            let failure: any Error
            do {
                try await receive(&download, endpoint, deadline)
                return try keep(download)
            } catch { failure = error }
            guard ContinuousClock.now < deadline else {
                throw OCIError(.server, "\(what) of \(endpoint.registry) took more than \(options.blobTimeout)")
            }
            if download.file.size > before { attempt = 1 }
            let wait = try backOff(failure, attempt: attempt, what, endpoint)
            try await pause(wait)
            attempt += 1
        }
        throw OCIError(.server, "\(what) of \(endpoint.registry) broke off again and again")
    }

    private func receive(
        _ download: inout BlobDownload, _ endpoint: Endpoint, _ deadline: ContinuousClock.Instant
    ) async throws {
        let descriptor = download.descriptor
        let what = "blob \(descriptor.digest)"
        let start = download.file.size
        var headers: [(String, String)] = []
        if start > 0 { headers.append(("Range", "bytes=\(start)-")) }
        if start < descriptor.size || descriptor.size == 0 {
            let response = try await open(
                endpoint, path: "blobs/\(descriptor.digest)", headers: headers, timeout: options.answerTimeout)
            switch response.status.code {
            case 206 where start > 0:
                let range = response.headers.first(name: "Content-Range") ?? ""
                guard range.hasPrefix("bytes \(start)-") else {
                    throw OCIError(.server, "\(endpoint.registry) sent another part of \(what) than was asked for")
                }
                download.isPieced = true
            case 416:
                try download.restart()
                throw RegistryFailure(
                    OCIError(.server, "\(endpoint.registry) does not go on with \(what)"), mayRetry: true)
            default: try download.restart()
            }
            let announced = response.headers.first(name: "Content-Length").flatMap { Int64($0) }
            guard announced ?? 0 <= descriptor.size - download.file.size else {
                throw OCIError(.tooLarge, "\(endpoint.registry) has more for \(what) than its \(descriptor.size) bytes")
            }
            for try await chunk in response.body {
                guard Int64(chunk.readableBytes) <= descriptor.size - download.file.size else {
                    throw OCIError(
                        .tooLarge, "\(endpoint.registry) sends more for \(what) than its \(descriptor.size) bytes")
                }
                try download.add(chunk)
                options.progress?(
                    BlobProgress(
                        digest: descriptor.digest.description, received: download.file.size, total: descriptor.size))
                guard ContinuousClock.now < deadline else { throw CancellationError() }
            }
        }
        guard download.file.size == descriptor.size else {
            throw RegistryFailure(
                OCIError(
                    .server,
                    "\(endpoint.registry) sent \(download.file.size) of the \(descriptor.size) bytes of \(what)"),
                mayRetry: true)
        }
        let came = download.hasher.finish()
        guard came == descriptor.digest else {
            let error = OCIError.wrong("\(what) of \(endpoint.registry)", expected: descriptor.digest, came: came)
            // Parts of different answers may not belong together.
            let isPieced = download.isPieced
            try download.restart()
            download.isPieced = false
            throw RegistryFailure(error, mayRetry: isPieced)
        }
    }

    private func path(_ digest: Digest) -> String? {
        options.blobFolder.map { "\($0)/\(digest.algorithm.rawValue)-\(digest.hex)" }
    }

    /// A blob from an earlier time, checked again.
    private func kept(_ descriptor: Descriptor) throws(OCIError) -> FileRange? {
        guard let path = path(descriptor.digest), access(path, R_OK) == 0 else { return nil }
        do throws(ArchiveError) {
            let range = try FileRange(path: path)
            var hasher = Digest.Hasher(descriptor.digest.algorithm)
            let reader = SequentialReader(range)
            while true {
                let bytes = try reader.next()
                if bytes.isEmpty { break }
                hasher.update(bytes)
            }
            if hasher.finish() == descriptor.digest { return range }
        } catch { throw OCIError(error, path) }
        unlink(path)
        return nil
    }

    private func keep(_ download: BlobDownload) throws(OCIError) -> FileRange {
        let name = "blob \(download.descriptor.digest)"
        do throws(ArchiveError) {
            if let path = path(download.descriptor.digest) { try download.file.keep(as: path) }
            return try download.file.range(named: name)
        } catch { throw OCIError(error, name) }
    }
}

/// What has come of a blob.
struct BlobDownload {
    let descriptor: Descriptor
    let file: PrivateFile
    private(set) var hasher: Digest.Hasher
    /// It comes of several answers.
    var isPieced = false

    init(_ descriptor: Descriptor, _ options: RegistryOptions) throws(ArchiveError) {
        self.descriptor = descriptor
        if let folder = options.blobFolder { mkdir(folder, 0o700) }
        file = try PrivateFile(in: options.blobFolder ?? options.temporaryFolder, isKept: options.blobFolder != nil)
        hasher = Digest.Hasher(descriptor.digest.algorithm)
    }

    mutating func restart() throws(ArchiveError) {
        try file.clear()
        hasher = Digest.Hasher(descriptor.digest.algorithm)
    }

    mutating func add(_ chunk: ByteBuffer) throws(ArchiveError) {
        var failure: ArchiveError?
        chunk.withUnsafeReadableBytes { bytes in
            hasher.update(bytes)
            do throws(ArchiveError) { try file.write(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

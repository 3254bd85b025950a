// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Crypto
import Glibc
import NIOCore
import NIOHTTP1

/// Fetches a file over HTTP, going on where the last try stopped.
struct Downloader: Sendable {
    let client: HTTPClient
    let options: AdvisoryUpdater.Options

    enum Result: Sendable, Equatable {
        case unchanged
        /// With the server's tag for what was fetched; empty where it gave none.
        case complete(tag: String)
    }

    /// - Throws: `network` after the last try; `tooLarge`; `wrongDigest`.
    func fetch(
        _ url: String, to path: String, tag: String, limit: Int64, received: @Sendable (Int64, Int64?) -> Void,
        waiting: @Sendable (Duration, String) -> Void
    ) async throws(AdvisoryError) -> Result {
        var (attempt, delay) = (1, options.delay)
        while true {
            let part = PartialFile(path: path)
            let before = part.size
            let answer = await ask(url, part, tag, limit, received)
            switch answer {
            case .done(let result): return result
            case .hopeless(let error): throw error
            case .retry(let reason, let after):
                // Bytes that came are progress; a server that sends a byte a try ends too.
                let gained = part.size - before
                attempt = gained > 65_536 ? 1 : attempt + 1
                guard attempt <= options.attempts else { throw AdvisoryError(.network, "\(url): \(reason)") }
                let pause = min(after ?? delay, options.longestDelay)
                waiting(pause, reason)
                do { try await Task.sleep(for: pause) } catch { throw AdvisoryError(.network, "\(url): cancelled") }
                if gained > 65_536 { delay = options.delay } else { delay *= 2 }
            }
        }
    }

    private enum Answer {
        case done(Result)
        case retry(String, after: Duration?)
        case hopeless(AdvisoryError)
    }

    private func ask(
        _ url: String, _ part: PartialFile, _ tag: String, _ limit: Int64, _ received: @Sendable (Int64, Int64?) -> Void
    ) async -> Answer {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "User-Agent", value: "bulwark")
        request.headers.add(name: "Accept-Encoding", value: "identity")
        let have = part.resumable
        if have > 0 {
            request.headers.add(name: "Range", value: "bytes=\(have)-")
            request.headers.add(name: "If-Range", value: part.tag)
        } else if !tag.isEmpty {
            request.headers.add(name: "If-None-Match", value: tag)
        }
        do {
            let response = try await client.execute(request, timeout: .hours(6))
            let after = RetryAfter.duration(response.headers.first(name: "Retry-After"))
            switch response.status.code {
            case 304: return .done(.unchanged)
            case 200: try part.start(tag: Self.strongTag(response.headers))
            case 206:
                guard let range = ContentRange(response.headers.first(name: "Content-Range")), range.start == have
                else {
                    part.discard()
                    return .retry("the server sent another part than it was asked for", after: nil)
                }
            case 416:
                part.discard()
                return .retry("the file changed on the server", after: nil)
            case 408, 425, 429, 500, 502, 503, 504:
                return .retry("the server answered \(response.status.code)", after: after)
            default:
                return .hopeless(AdvisoryError(.network, "\(url): the server answered \(response.status.code)"))
            }
            return try await take(response, url, part, limit, received)
        } catch let error as AdvisoryError {
            return .hopeless(error)
        } catch {
            return .retry("\(error)", after: nil)
        }
    }

    private func take(
        _ response: HTTPClientResponse, _ url: String, _ part: PartialFile, _ limit: Int64,
        _ received: @Sendable (Int64, Int64?) -> Void
    ) async throws -> Answer {
        let start = part.size
        let declared = response.headers.first(name: "Content-Length").flatMap { Int64($0) }
        let total = ContentRange(response.headers.first(name: "Content-Range"))?.total ?? declared.map { start &+ $0 }
        guard total ?? 0 <= limit, declared ?? 0 <= limit else {
            throw AdvisoryError(.tooLarge, "\(url) has \(total ?? 0) bytes; at most \(limit) are taken")
        }
        var count = start
        for try await piece in response.body {
            count += Int64(piece.readableBytes)
            guard count <= limit else { throw AdvisoryError(.tooLarge, "\(url) has more than \(limit) bytes") }
            try piece.withUnsafeReadableBytes { bytes throws(AdvisoryError) in try part.append(bytes) }
            received(count, total)
        }
        if let total, count != total {
            if count > total { part.discard() }
            return .retry("\(count) of \(total) bytes came", after: nil)
        }
        if let wrong = try part.mismatch(response.headers[canonicalForm: "x-goog-hash"].map(String.init)) {
            part.discard()
            throw AdvisoryError(.wrongDigest, "\(url): \(wrong)")
        }
        // The tag without the mark of weakness, which is for resuming alone.
        let tag = response.headers.first(name: "ETag") ?? ""
        try part.finish()
        return .done(.complete(tag: tag.utf8.count <= 256 ? tag : ""))
    }

    /// What may be sent in If-Range: a strong tag, or the time of the last change.
    private static func strongTag(_ headers: HTTPHeaders) -> String {
        if let tag = headers.first(name: "ETag"), !tag.hasPrefix("W/"), tag.utf8.count <= 256 { return tag }
        return headers.first(name: "ETag") == nil ? headers.first(name: "Last-Modified") ?? "" : ""
    }
}

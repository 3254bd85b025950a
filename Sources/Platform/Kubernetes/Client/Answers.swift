// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Documents
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// From what came back, or did not, to an error that says what to do.
extension APIClient {
    /// - Throws: what an answer other than 2xx with a JSON body means.
    func check(_ response: HTTPClientResponse, _ body: ByteBuffer, _ request: APIRequest) throws {
        let status = Int(response.status.code)
        if isForeign(response.headers) || body.looksLikeMarkup {
            let title = body.title.map { ", titled \"\($0)\"" } ?? ""
            throw KubernetesError(
                .notKubernetes,
                "\(name) answered with a web page (status \(status)\(title)), not as an API server does; "
                    + "is the address right, and is there a proxy or a log-in page in between?")
        }
        if (300..<400).contains(status) {
            throw KubernetesError(
                .notKubernetes,
                "\(name) redirects to another address (status \(status)), which is not followed; "
                    + "is the address right, and is there a proxy in between?")
        }
        guard (200..<300).contains(status) else { throw failure(response, body, request) }
        guard body.readableBytes > 0 else {
            throw KubernetesError(.emptyAnswer, "\(name) answered \(request.path) with status \(status) and no content")
        }
    }

    func isForeign(_ headers: HTTPHeaders) -> Bool {
        headers.first(name: "Content-Type")?.lowercased().hasPrefix("text/html") ?? false
    }

    private func failure(_ response: HTTPClientResponse, _ body: ByteBuffer, _ request: APIRequest) -> KubernetesError {
        let status = Int(response.status.code)
        let document = try? body.document(source: request.path)
        let said =
            document?.root["message"]?.string?.excerpt(600)
            ?? (body.readableBytes == 0 ? "" : String(buffer: body.prefix(400)).excerpt().trimmed)
        var failure = statusError(status, said: said, path: request.path)
        failure.retryAfter =
            response.headers.first(name: "Retry-After").flatMap { Double($0) }
            ?? document?.root["details"]?["retryAfterSeconds"]?.double
        if failure.code == .expired {
            failure.fallbackContinue = document?.root["metadata"]?["continue"]?.string
        }
        return failure
    }

    /// What a `Status` object inside a watch means.
    func statusError(of status: Node, path: String) -> KubernetesError {
        var failure = statusError(
            status["code"]?.int ?? 0, said: status["message"]?.string?.excerpt(600) ?? "", path: path)
        failure.retryAfter = status["details"]?["retryAfterSeconds"]?.double
        return failure
    }

    private func statusError(_ status: Int, said: String, path: String) -> KubernetesError {
        let detail = said.isEmpty ? "" : ": \(said)"
        switch status {
        case 401:
            return KubernetesError(
                .unauthorized,
                "\(name) does not accept \(connection.credentials.noun) of \(connection.user)\(detail); "
                    + "it is expired, revoked or for another cluster: renew it")
        case 403:
            return KubernetesError(.forbidden, "\(name) does not allow this\(detail) (\(connection.user))")
        case 404: return KubernetesError(.notFound, "\(name) has no \(path)\(detail)")
        case 409: return KubernetesError(.conflict, "\(name) refuses because of a conflict\(detail)")
        case 410: return KubernetesError(.expired, "\(name) no longer remembers that version\(detail)")
        case 429: return KubernetesError(.throttled, "\(name) asks to slow down (status 429)\(detail)")
        case 400..<500:
            return KubernetesError(.invalid, "\(name) does not accept the request (status \(status))\(detail)")
        case 500...: return KubernetesError(.server, "\(name) failed with status \(status) on \(path)\(detail)")
        default: return KubernetesError(.malformedAnswer, "\(name) answered \(path) with status \(status)\(detail)")
        }
    }

    /// Puts what the network and TLS libraries throw into words.
    func describe(_ error: any Error, _ request: APIRequest) -> KubernetesError {
        if let error = error as? KubernetesError { return error }
        if let error = error as? HTTPClientError { return describe(error, request) }
        if let error = error as? NIOConnectionError {
            let reasons = Set(error.connectionErrors.map { "\($0.error)".excerpt(120) }).sorted()
            let missing = error.dnsAAAAError ?? error.dnsAError
            let reason =
                reasons.isEmpty ? missing.map { "\($0)".excerpt(120) } ?? "unknown" : reasons.joined(separator: ", ")
            return KubernetesError(.connection, "no connection to \(name): \(reason)", cause: error)
        }
        if let error = error as? IOError {
            let reason = error.errnoCode == ECONNREFUSED ? "connection refused" : "\(error)".excerpt(120)
            return KubernetesError(.connection, "no connection to \(name): \(reason)", cause: error)
        }
        if let text = tlsReason(error) {
            return KubernetesError(.tls, "no trusted connection to \(name): \(text)", cause: error)
        }
        if error is NIOTooManyBytesError {
            return KubernetesError(.tooLarge, "\(name) answered \(request.path) with too many bytes", cause: error)
        }
        return KubernetesError(.connection, "the connection to \(name) failed: \("\(error)".excerpt())", cause: error)
    }

    private func describe(_ error: HTTPClientError, _ request: APIRequest) -> KubernetesError {
        switch error {
        case .remoteConnectionClosed:
            KubernetesError(.emptyAnswer, "\(name) closed the connection without an answer", cause: error)
        case .connectTimeout, .tlsHandshakeTimeout, .socksHandshakeTimeout, .httpProxyHandshakeTimeout,
            .getConnectionFromPoolTimeout:
            KubernetesError(.timeout, "no connection to \(name) in time (\(error.shortDescription))", cause: error)
        case .readTimeout, .writeTimeout, .deadlineExceeded:
            KubernetesError(.timeout, "\(name) gave no whole answer to \(request.path) in time", cause: error)
        case .invalidProxyResponse, .proxyAuthenticationRequired:
            KubernetesError(.connection, "the proxy to \(name) refuses (\(error.shortDescription))", cause: error)
        default:
            KubernetesError(.connection, "the connection to \(name) failed (\(error.shortDescription))", cause: error)
        }
    }

    private func tlsReason(_ error: any Error) -> String? {
        let text = "\(error)"
        if error is NIOSSLExtraError {
            return "its certificate is for another name (\(text.excerpt(200))); tls-server-name can name it"
        }
        guard error is NIOSSLError || error is BoringSSLError else { return nil }
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "its certificate is not signed by a trusted authority, or is expired; "
                + "check the certificate-authority of cluster \(connection.cluster.excerpt(100))"
        }
        if text.contains("ALERT") {
            return "it does not accept the client certificate of \(connection.user) (\(text.excerpt(160)))"
        }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return "it does not speak TLS at this port"
        }
        return text.excerpt(200)
    }
}

extension ByteBuffer {
    fileprivate func prefix(_ count: Int) -> ByteBuffer {
        getSlice(at: readerIndex, length: Swift.min(count, readableBytes)) ?? ByteBuffer()
    }

    fileprivate var looksLikeMarkup: Bool {
        for byte in readableBytesView.prefix(64) {
            switch byte {
            case 0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf: continue
            default: return byte == UInt8(ascii: "<")
            }
        }
        return false
    }

    /// The text of a page's title.
    fileprivate var title: String? {
        let text = String(buffer: prefix(4096))
        let lower = text.lowercased()
        guard lower.utf8.count == text.utf8.count, let open = lower.firstRange(of: "<title>"),
            let close = lower[open.upperBound...].firstRange(of: "</title>")
        else { return nil }
        let title = lower[open.upperBound..<close.lowerBound].description.trimmed
        return title.isEmpty ? nil : title.excerpt(80)
    }
}

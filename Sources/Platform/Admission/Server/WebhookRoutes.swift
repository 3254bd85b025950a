// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird
import HTTPTypes
import Logging
import NIOCore

/// What each address answers.
struct WebhookRoutes: Sendable {
    let chain: ReviewerChain
    let isDraining: Flag

    func router(reviews: Bool) -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        if reviews {
            for webhook in chain.webhooks.union([""]) {
                for phase in ReviewPhase.allCases {
                    let path = RouterPath(Webhook.path(phase, webhook))
                    router.on(path, method: .post) { request, _ in await review(request, phase, webhook) }
                    for method in [HTTPRequest.Method.get, .put, .delete, .patch] {
                        router.on(path, method: method) { _, _ in
                            Self.status(405, "send AdmissionReview objects by POST")
                        }
                    }
                }
            }
        }
        router.get("/healthz") { _, _ in Self.text("ok\n") }
        router.get("/readyz") { _, _ in readiness() }
        router.get("/metrics") { _, _ in
            Self.text(chain.metrics.text, type: "text/plain; version=0.0.4; charset=utf-8")
        }
        return router
    }

    private func readiness() -> Response {
        let waiting = chain.waitsFor
        var lines = chain.reviewers.map { reviewer in
            let reason = waiting.first { $0.reviewer == reviewer.name }?.reason
            return reason.map { "waiting \(reviewer.name): \($0)\n" } ?? "ok \(reviewer.name)\n"
        }
        if isDraining.isSet { lines.append("waiting server: it stops\n") }
        let isReady = waiting.isEmpty && !isDraining.isSet
        return Self.text(
            lines.joined() + (isReady ? "ready\n" : "not ready\n"), status: isReady ? .ok : .serviceUnavailable)
    }

    private func review(_ request: Request, _ phase: ReviewPhase, _ webhook: String) async -> Response {
        let started = ContinuousClock.now
        do throws(AdmissionError) {
            guard Self.isJSON(request.headers[.contentType]) else {
                throw AdmissionError(.unsupportedMedia, "send the review as application/json")
            }
            let review = try ReviewReader.read(try await body(request))
            let timeout = request.uri.queryParameters["timeout"].flatMap { Self.duration($0) }
            let answer = await chain.review(review, in: phase, of: webhook, timeout: timeout, started: started)
            var buffer = ByteBufferAllocator().buffer(capacity: 1024)
            ReviewWriter.write(answer, to: &buffer)
            return Self.json(buffer, .ok)
        } catch {
            let code =
                switch error.code {
                case .tooLarge: 413
                case .unsupportedMedia: 415
                case .slow: 408
                default: 400
                }
            chain.metrics.rejected(code)
            return Self.status(code, error.message)
        }
    }

    private func body(_ request: Request) async throws(AdmissionError) -> ByteBuffer {
        let tooLarge = AdmissionError(.tooLarge, "a review has at most \(ReviewReader.maxBytes) bytes")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > ReviewReader.maxBytes {
            throw tooLarge
        }
        do { return try await request.body.collect(upTo: ReviewReader.maxBytes) } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch {
            throw AdmissionError(.slow, "the body did not arrive")
        }
    }

    static func isJSON(_ contentType: String?) -> Bool {
        guard let type = contentType?.prefix(while: { $0 != ";" }) else { return false }
        return type.lowercased() == "application/json" || type.lowercased() == "application/json "
    }

    /// A duration as Go writes it: `10s`, `1m30s`, `500ms`. Nil for what is none or not positive.
    static func duration(_ text: some StringProtocol) -> Duration? {
        var total = 0.0
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard digits.utf8.count <= 12, let value = Double(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
            rest = rest.dropFirst(unit.count)
            switch unit {
            case "h": total += value * 3600
            case "m": total += value * 60
            case "s": total += value
            case "ms": total += value / 1e3
            case "us", "µs": total += value / 1e6
            case "ns": total += value / 1e9
            default: return nil
            }
        }
        return total > 0 && total < 86_400 ? .seconds(total) : nil
    }

    private static func text(
        _ text: String, type: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    private static func json(_ buffer: ByteBuffer, _ status: HTTPResponse.Status) -> Response {
        Response(status: status, headers: [.contentType: "application/json"], body: .init(byteBuffer: buffer))
    }

    /// A metav1.Status, which an API server quotes in its own message.
    private static func status(_ code: Int, _ message: String) -> Response {
        var buffer = ByteBuffer()
        buffer.writeStaticString(#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"#)
        ReviewWriter.quote(message, to: &buffer)
        buffer.writeString(#","code":\#(code)}"# + "\n")
        return json(buffer, .init(code: code))
    }
}

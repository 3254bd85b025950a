// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP server on loopback that misbehaves as told: what no healthy API server would do on request.
package final class FakeAPIServer: Sendable {
    package struct Request: Sendable {
        package var method: String
        package var path: String
        package var query: [String: String]
        package var headers: HTTPHeaders
        package var body: String

        package func header(_ name: String) -> String? { headers.first(name: name) }
    }

    package enum Reply: Sendable {
        case answer(status: Int, contentType: String, headers: [(String, String)], body: String)
        /// Sends these lines as chunks, then does `next`; before a cut, the last line lacks its end.
        case stream(lines: [String], next: AfterStream)
        /// Never answers.
        case hang
        /// Closes the connection instead of answering.
        case cut

        package static func json(_ body: String, status: Int = 200, headers: [(String, String)] = []) -> Reply {
            .answer(status: status, contentType: "application/json", headers: headers, body: body)
        }

        /// A `Status` object as API servers answer failures.
        package static func status(_ code: Int, _ message: String, headers: [(String, String)] = []) -> Reply {
            .json(
                #"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"\#(message)","code":\#(code)}"#,
                status: code, headers: headers)
        }
    }

    package enum AfterStream: Sendable {
        case end
        /// Closes in the middle of the chunked body.
        case cut
        /// Keeps the connection open in silence.
        case hang
    }

    package typealias Handler = @Sendable (Request) -> Reply

    private struct State {
        var requests: [Request] = []
        var channels: [any Channel] = []
    }

    private final class SharedState: Sendable {
        let value = Mutex(State())
    }

    private let shared: SharedState
    private let server: any Channel
    private let scheme: String

    /// - Parameter tls: PEM files of the server's certificate and key; plain HTTP when nil.
    package init(tls: (certificate: String, key: String)? = nil, _ handler: @escaping Handler) async throws {
        let context = try tls.map { files in
            let chain = try NIOSSLCertificate.fromPEMFile(files.certificate).map {
                NIOSSLCertificateSource.certificate($0)
            }
            let key = try NIOSSLPrivateKey(file: files.key, format: .pem)
            return try NIOSSLContext(
                configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
        }
        scheme = tls == nil ? "http" : "https"
        let state = SharedState()
        server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    state.value.withLock { $0.channels.append(channel) }
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        Responder { request in
                            state.value.withLock { $0.requests.append(request) }
                            return handler(request)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        shared = state
    }

    package var url: String { "\(scheme)://127.0.0.1:\(server.localAddress?.port ?? 0)" }

    /// Everything asked so far.
    package var requests: [Request] { shared.value.withLock { $0.requests } }

    /// Stops listening and closes every connection.
    package func stop() async throws {
        try await server.close()
        for channel in shared.value.withLock({ $0.channels }) { channel.close(promise: nil) }
    }

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let handler: Handler
        private var head: HTTPRequestHead?
        private var body = ByteBuffer()

        init(_ handler: @escaping Handler) { self.handler = handler }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): self.head = head
            case .body(let chunk): body.writeImmutableBuffer(chunk)
            case .end:
                guard let head else { return }
                let parts = head.uri.split(separator: "?", maxSplits: 1)
                var query: [String: String] = [:]
                for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
                    let sides = pair.split(separator: "=", maxSplits: 1).map { FakeAPIServer.decoded($0) }
                    query[sides[0]] = sides.count > 1 ? sides[1] : ""
                }
                let request = Request(
                    method: head.method.rawValue, path: String(parts[0]), query: query, headers: head.headers,
                    body: String(buffer: body))
                body.clear()
                send(handler(request), context)
            }
        }

        private func send(_ reply: Reply, _ context: ChannelHandlerContext) {
            switch reply {
            case .hang: break
            case .cut: context.close(promise: nil)
            case .answer(let status, let contentType, let headers, let text):
                var fields = HTTPHeaders(headers)
                fields.add(name: "Content-Type", value: contentType)
                fields.add(name: "Content-Length", value: String(text.utf8.count))
                write(.head(.init(version: .http1_1, status: .init(statusCode: status), headers: fields)), context)
                write(.body(.byteBuffer(ByteBuffer(string: text))), context)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            case .stream(let lines, let next):
                let fields: HTTPHeaders = ["Content-Type": "application/json", "Transfer-Encoding": "chunked"]
                write(.head(.init(version: .http1_1, status: .ok, headers: fields)), context)
                for (number, line) in lines.enumerated() {
                    let end = next == .cut && number == lines.count - 1 ? "" : "\n"
                    write(.body(.byteBuffer(ByteBuffer(string: line + end))), context)
                }
                context.flush()
                switch next {
                case .end: context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
                case .cut: context.close(promise: nil)
                case .hang: break
                }
            }
        }

        private func write(_ part: HTTPServerResponsePart, _ context: ChannelHandlerContext) {
            context.write(wrapOutboundOut(part), promise: nil)
        }
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server on this machine that answers as it is told to, also wrongly.
final class OddRegistry: Sendable {
    struct Request: Sendable {
        var method: String
        var uri: String
        var headers: [String: String]
        var body: String
        /// How often this address was asked for before.
        var count: Int
    }

    struct Answer: Sendable {
        var status = 200
        var headers: [(String, String)] = []
        var body: [UInt8] = []
        /// Close the connection after so many bytes of the body.
        var cutAfter: Int?
        /// Go on sending for ever.
        var isEndless = false
        /// Send the head and then nothing.
        var isSilent = false

        static func text(_ status: Int, _ text: String = "", _ headers: [(String, String)] = []) -> Answer {
            Answer(status: status, headers: headers, body: Array(text.utf8))
        }
    }

    private let server: any Channel
    private let log: Log

    private final class Log: Sendable {
        let requests = Mutex<[Request]>([])
    }

    /// - Parameters:
    ///   - socket: where to listen; a free port of this machine unless given.
    ///   - host: one of this machine's own addresses.
    init(
        socket: String? = nil, host: String = "127.0.0.1", _ answer: @escaping @Sendable (Request) -> Answer
    ) async throws {
        let log = Log()
        self.log = log
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline(withErrorHandling: true).flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(Handler(log, answer))
                }
            }
        if let socket {
            server = try await bootstrap.bind(unixDomainSocketPath: socket).get()
        } else {
            server = try await bootstrap.bind(host: host, port: 0).get()
        }
    }

    var port: Int { server.localAddress?.port ?? 0 }
    var requests: [Request] { log.requests.withLock { $0 } }
    func stop() async throws { try await server.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let log: Log
        private let answer: @Sendable (Request) -> Answer
        private var head: HTTPRequestHead?
        private var body = ""

        init(_ log: Log, _ answer: @escaping @Sendable (Request) -> Answer) {
            self.log = log
            self.answer = answer
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = ""
            case .body(let part): body += String(buffer: part)
            case .end:
                guard let head else { return }
                var headers: [String: String] = [:]
                for (name, value) in head.headers { headers[name.lowercased()] = value }
                let request = log.requests.withLock { requests in
                    let count = requests.count { $0.uri == head.uri }
                    let request = Request(
                        method: head.method.rawValue, uri: head.uri, headers: headers, body: body, count: count)
                    requests.append(request)
                    return request
                }
                send(answer(request), context)
            }
        }

        private func send(_ answer: Answer, _ context: ChannelHandlerContext) {
            var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status))
            for (name, value) in answer.headers { head.headers.add(name: name, value: value) }
            if !answer.isEndless, !head.headers.contains(name: "Content-Length") {
                head.headers.add(name: "Content-Length", value: "\(answer.body.count)")
            }
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
            if answer.isSilent { return }
            let bytes = answer.cutAfter.map { Array(answer.body.prefix($0)) } ?? answer.body
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
            if answer.isEndless { return more(context) }
            if answer.cutAfter != nil { return context.close(promise: nil) }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }

        private func more(_ context: ChannelHandlerContext) {
            let bytes = ByteBuffer(repeating: 0x20, count: 256 << 10)
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(bytes)))).whenSuccess {
                bound.value.1.eventLoop.execute { bound.value.0.more(bound.value.1) }
            }
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import Synchronization

/// A server that answers each request with bytes as they are told, then closes: it can cut, lie and stall.
final class RawServer: Sendable {
    struct Request: Sendable {
        var path: String
        /// Names in lower case.
        var headers: [String: String]
    }

    private let channel: any Channel
    private let log: Requests
    let port: Int

    var requests: [Request] { log.all }

    /// - Parameter answer: the bytes for a request; the number counts the requests from 0.
    static func start(_ answer: @escaping @Sendable (Request, Int) -> [UInt8]) async throws -> RawServer {
        let log = Requests()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(log: log, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawServer(channel, log, channel.localAddress?.port ?? 0)
    }

    private init(_ channel: any Channel, _ log: Requests, _ port: Int) {
        (self.channel, self.log, self.port) = (channel, log, port)
    }

    func stop() async throws { try await channel.close() }

    /// A whole answer; `length` lies about the body where it is given, `cut` sends so much of the body.
    static func answer(
        _ status: String = "200 OK", _ headers: [String] = [], body: [UInt8] = [], length: Int? = nil, cut: Int? = nil
    ) -> [UInt8] {
        let lines =
            ["HTTP/1.1 \(status)", "Content-Length: \(length ?? body.count)", "Connection: close"] + headers + ["", ""]
        return Array(lines.joined(separator: "\r\n").utf8) + body.prefix(cut ?? body.count)
    }

    final class Requests: Sendable {
        private let list = Mutex<[Request]>([])
        var all: [Request] { list.withLock { $0 } }
        func add(_ request: Request) -> Int {
            list.withLock {
                $0.append(request)
                return $0.count - 1
            }
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let log: Requests
        private let answer: @Sendable (Request, Int) -> [UInt8]
        private var received = ""

        init(log: Requests, answer: @escaping @Sendable (Request, Int) -> [UInt8]) {
            self.log = log
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            received += String(decoding: buffer.readableBytesView, as: UTF8.self)
            guard received.contains("\r\n\r\n") else { return }
            let lines = received.split(separator: "\r\n")
            var request = Request(path: String(lines[0].split(separator: " ")[1]), headers: [:])
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2 { request.headers[parts[0].lowercased()] = parts[1].drop { $0 == " " }.description }
            }
            received = ""
            let bytes = answer(request, log.add(request))
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            // A tunnel through a proxy stays open.
            if request.path.hasPrefix("/") { context.close(promise: nil) }
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import Synchronization

/// An HTTP proxy that knows CONNECT only, and leads to one port of this machine whatever it is asked for.
final class ConnectProxy: Sendable {
    private let server: any Channel
    private let log: Log

    private final class Log: Sendable {
        let heads = Mutex<[String]>([])
    }

    init(to target: Int) async throws {
        let log = Log()
        self.log = log
        server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Opening(target, log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var port: Int { server.localAddress?.port ?? 0 }
    var heads: [String] { log.heads.withLock { $0 } }
    func stop() async throws { try await server.close() }

    private final class Opening: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let target: Int
        private let log: Log
        private var head = ""
        private var other: (any Channel)?

        init(_ target: Int, _ log: Log) {
            self.target = target
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            if let other { return other.writeAndFlush(bytes, promise: nil) }
            head += String(buffer: bytes)
            guard head.hasSuffix("\r\n\r\n") else { return }
            log.heads.withLock { $0.append(head) }
            let channel = context.channel
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            ClientBootstrap(group: context.eventLoop)
                .channelInitializer { other in
                    other.eventLoop.makeCompletedFuture {
                        try other.pipeline.syncOperations.addHandler(Returning(channel))
                    }
                }
                .connect(host: "127.0.0.1", port: target).whenSuccess { other in
                    bound.value.other = other
                    channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n"), promise: nil)
                }
        }

        func channelInactive(context: ChannelHandlerContext) { other?.close(promise: nil) }
    }

    private final class Returning: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel

        init(_ other: any Channel) { self.other = other }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }
    }
}

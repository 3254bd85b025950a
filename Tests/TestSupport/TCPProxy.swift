// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import Synchronization

/// A network that can be broken: forwards connections on loopback to another port until it is told not to.
package final class TCPProxy: Sendable {
    package enum Condition: Sendable {
        case works
        /// Connections are closed and new ones refused at once.
        case cut
        /// Connections stay open and nothing gets through, as when a router drops packets.
        case frozen
    }

    private struct State {
        var condition = Condition.works
        var channels: [any Channel] = []
    }

    private final class SharedState: Sendable {
        let value = Mutex(State())
        var condition: Condition { value.withLock { $0.condition } }
    }

    private let shared: SharedState
    private let server: any Channel

    package init(to target: Int) async throws {
        let shared = SharedState()
        server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { inbound in
                guard shared.condition != .cut else { return inbound.close() }
                shared.value.withLock { $0.channels.append(inbound) }
                let promise = inbound.eventLoop.makePromise(of: Void.self)
                ClientBootstrap(group: inbound.eventLoop)
                    .channelOption(.autoRead, value: false)
                    .connect(host: "127.0.0.1", port: target)
                    .whenComplete { result in
                        switch result {
                        case .failure(let error): promise.fail(error)
                        case .success(let outbound):
                            shared.value.withLock { $0.channels.append(outbound) }
                            promise.completeWith(
                                Result {
                                    try inbound.pipeline.syncOperations.addHandler(Forwarder(outbound, shared))
                                    try outbound.pipeline.syncOperations.addHandler(Forwarder(inbound, shared))
                                    inbound.setOption(.autoRead, value: true).whenComplete { _ in }
                                    outbound.setOption(.autoRead, value: true).whenComplete { _ in }
                                })
                        }
                    }
                return promise.futureResult
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.shared = shared
    }

    package var port: Int { server.localAddress?.port ?? 0 }

    /// Breaks or mends the network. What was dropped while frozen stays lost: those connections are closed on mending.
    package func set(_ condition: Condition) {
        let closing = shared.value.withLock { state in
            state.condition = condition
            guard condition != .frozen else { return [any Channel]() }
            defer { state.channels = [] }
            return state.channels
        }
        for channel in closing { channel.close(promise: nil) }
    }

    package func stop() async throws {
        set(.cut)
        try await server.close()
    }

    private final class Forwarder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel
        private let shared: SharedState

        init(_ other: any Channel, _ shared: SharedState) {
            self.other = other
            self.shared = shared
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard shared.condition == .works else { return }
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            if shared.condition != .frozen { other.close(promise: nil) }
            context.fireChannelInactive()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import Synchronization

/// One address on loopback in front of several servers, as a Service is: each new connection goes to the next one that
/// takes it.
package final class TCPBalancer: Sendable {
    private struct State {
        var targets: [Int] = []
        var next = 0
        var open: [ObjectIdentifier: any Channel] = [:]
    }

    private final class SharedState: Sendable {
        let value = Mutex(State())

        /// All targets, another one first each time.
        func order() -> ArraySlice<Int> {
            value.withLock { state in
                guard !state.targets.isEmpty else { return [] }
                state.next = (state.next + 1) % state.targets.count
                return ArraySlice(state.targets[state.next...] + state.targets[..<state.next])
            }
        }
    }

    private let shared: SharedState
    private let server: any Channel

    package init() async throws {
        let shared = SharedState()
        self.shared = shared
        server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { inbound in
                shared.value.withLock { $0.open[ObjectIdentifier(inbound)] = inbound }
                inbound.closeFuture.whenComplete { _ in
                    shared.value.withLock { $0.open[ObjectIdentifier(inbound)] = nil }
                }
                let promise = inbound.eventLoop.makePromise(of: Void.self)
                Self.connect(shared.order(), inbound.eventLoop).whenComplete { result in
                    switch result {
                    case .failure(let error): promise.fail(error)
                    case .success(let outbound):
                        promise.completeWith(
                            Result {
                                try inbound.pipeline.syncOperations.addHandler(Forwarder(outbound))
                                try outbound.pipeline.syncOperations.addHandler(Forwarder(inbound))
                                inbound.setOption(.autoRead, value: true).whenComplete { _ in }
                                outbound.setOption(.autoRead, value: true).whenComplete { _ in }
                            })
                    }
                }
                return promise.futureResult
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    package var port: Int { server.localAddress?.port ?? 0 }

    /// The ports of the servers, for new connections.
    package func set(_ targets: [Int]) {
        shared.value.withLock {
            $0.targets = targets
            $0.next = 0
        }
    }

    /// Closes every connection that is open; gives how many.
    package func cut() async -> Int {
        let channels = shared.value.withLock { Array($0.open.values) }
        for channel in channels { try? await channel.close() }
        return channels.count
    }

    package func stop() async throws { try await server.close() }

    private struct NobodyAnswers: Error {}

    private static func connect(_ targets: ArraySlice<Int>, _ loop: any EventLoop) -> EventLoopFuture<any Channel> {
        guard let first = targets.first else { return loop.makeFailedFuture(NobodyAnswers()) }
        return ClientBootstrap(group: loop).channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: first)
            .flatMapError { _ in connect(targets.dropFirst(), loop) }
    }

    private final class Forwarder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel

        init(_ other: any Channel) { self.other = other }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            other.close(promise: nil)
            context.fireChannelInactive()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

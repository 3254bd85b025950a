// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOHTTPTypes

/// Cuts a connection that keeps us waiting: for its first request, for the rest of a body, for the answer to be read,
/// or for the next request.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    struct Patience: Sendable {
        /// From the connection to the head of its first request, the TLS handshake included.
        var first = TimeAmount.seconds(10)
        /// From a request's head to the end of its body.
        var body = TimeAmount.seconds(10)
        /// Longer than any review may take.
        var answer = TimeAmount.seconds(45)
        /// Until an answer has been taken from us.
        var reading = TimeAmount.seconds(10)
        /// An API server closes its idle connections after 90 seconds; it should be the one to do so.
        var next = TimeAmount.seconds(120)
    }

    private let patience: Patience
    private let table: ConnectionTable
    private let metrics: AdmissionMetrics
    private var deadline = NIODeadline.distantFuture
    private var reason = ""
    private var check: Scheduled<Void>?
    private var checkTime = NIODeadline.distantFuture
    private var isBodyOpen = false
    private var pending = 0

    init(patience: Patience, table: ConnectionTable, metrics: AdmissionMetrics) {
        self.patience = patience
        self.table = table
        self.metrics = metrics
    }

    func handlerAdded(context: ChannelHandlerContext) {
        table.add(context.channel)
        wait(context, patience.first, "silent")
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        check?.cancel()
        check = nil
        table.remove(context.channel)
    }

    func channelInactive(context: ChannelHandlerContext) {
        check?.cancel()
        check = nil
        table.remove(context.channel)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            isBodyOpen = true
            pending += 1
            table.set(context.channel, isIdle: false)
            wait(context, patience.body, "slow body")
        case .body: break
        case .end:
            isBodyOpen = false
            wait(context, patience.answer, "slow answer")
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        wait(context, patience.reading, "slow reader")
        let written = promise ?? context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in
            let (handler, context) = bound.value
            handler.answered(context)
        }
        context.write(data, promise: written)
    }

    private func answered(_ context: ChannelHandlerContext) {
        pending = max(pending - 1, 0)
        guard context.channel.isActive else { return }
        if isBodyOpen {
            wait(context, patience.body, "slow body")
        } else if pending > 0 {
            wait(context, patience.answer, "slow answer")
        } else {
            table.set(context.channel, isIdle: true)
            wait(context, patience.next, "idle")
        }
    }

    /// Moves the deadline. The timer is only made anew when it would come too late, so that a busy connection pays
    /// nearly nothing for it.
    private func wait(_ context: ChannelHandlerContext, _ amount: TimeAmount, _ reason: String) {
        deadline = .now() + amount
        self.reason = reason
        guard deadline < checkTime else { return }
        check?.cancel()
        schedule(context)
    }

    private func schedule(_ context: ChannelHandlerContext) {
        checkTime = deadline
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        check = context.eventLoop.scheduleTask(deadline: deadline) {
            let (handler, context) = bound.value
            handler.checkTime = .distantFuture
            guard handler.check != nil else { return }
            guard NIODeadline.now() >= handler.deadline else { return handler.schedule(context) }
            handler.metrics.cut(handler.reason)
            context.close(promise: nil)
        }
    }
}

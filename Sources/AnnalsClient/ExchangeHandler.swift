import NIOCore
import RESP

/// The client's end of the connection, on its event loop: writes what the queue says, reads answers, wakes who waits.
final class ExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Waiter = CheckedContinuation<Result<[RESPValue], AnnalsClientError>, Never>

    private var queue: RequestQueue<Waiter>
    private var parser = ReplyParser()
    private var received = ByteBuffer()
    private var context: ChannelHandlerContext?
    private var isSendPlanned = false
    /// Why the connection is over, once it is.
    private var ending: String?

    init(inFlightMax: Int) {
        queue = RequestQueue(inFlightMax: inFlightMax)
    }

    /// Takes a request on, or says at once that it is too late.
    func submit(_ id: Int, _ commands: EncodedCommands, waiter: Waiter) {
        if let ending { return waiter.resume(returning: .failure(.closed(reason: ending))) }
        queue.add(.init(id: id, commands: commands, waiter: waiter))
        planSend()
    }

    /// Wakes who waits for a request; does nothing when it is answered already.
    func cancel(_ id: Int) {
        wake(queue.cancel(id))
    }

    /// Ends the connection. Whoever still waits is told `reason`.
    func close(because reason: String) {
        guard ending == nil else { return }
        ending = reason
        for outcome in queue.end(because: reason) { wake(outcome) }
        context?.close(promise: nil)
    }

    private func wake(_ outcome: RequestQueue<Waiter>.Outcome?) {
        if let outcome { outcome.waiter.resume(returning: outcome.result) }
    }
}

/// Writing.
extension ExchangeHandler {
    /// Sends at the end of this turn of the loop, so that everything that is submitted in it goes out in one write.
    private func planSend() {
        guard !isSendPlanned, let context else { return }
        isSendPlanned = true
        context.eventLoop.assumeIsolated().execute {
            self.isSendPlanned = false
            self.send()
        }
    }

    private func send() {
        guard let context, ending == nil else { return }
        while context.channel.isWritable, let bytes = queue.takeUnsent() {
            context.write(wrapOutboundOut(bytes), promise: nil)
        }
        context.flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        planSend()
        context.fireChannelWritabilityChanged()
    }
}

/// Reading.
extension ExchangeHandler {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        close(because: "the connection ended")
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard ending == nil else { return }
        var bytes = unwrapInboundIn(data)
        if received.readableBytes == 0 { received = bytes } else { received.writeBuffer(&bytes) }
        do throws(ProtocolViolation) {
            try readAnswers()
        } catch {
            close(because: "the server's answer is not RESP, because \(error)")
        }
        planSend()
    }

    private func readAnswers() throws(ProtocolViolation) {
        while let value = try parser.next(from: &received) {
            if case .push = value { continue }  // Answers no command, and Annals sends none.
            // The answer itself stays out of the reason: it may hold a body.
            guard queue.expectsAnswer else { return close(because: "the server answered what nobody asked") }
            wake(queue.answer(value))
        }
        received.discardReadBytes()
    }

    func channelInactive(context: ChannelHandlerContext) {
        close(because: "the server closed it")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(because: "\(error)")
    }
}

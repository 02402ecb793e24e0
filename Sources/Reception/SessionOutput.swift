import Archive
import Logging
import NIOCore
import RESP

/// Output.
extension SessionHandler {
    /// An append's answer. Written when the whole batch is answered.
    func deliver(_ verdict: Verdict, as answer: AppendAnswer) {
        writer.verdict(verdict, as: answer)
    }

    /// The batch is answered.
    func settle() {
        batchPlace = nil
        session.answerAll()
        flush()
        if !isExhausted || session.isClosing || session.isInputEnded { desk.resume(self) }
    }

    /// There is room for the append that waited, or no hope of it.
    func unstall() {
        session.unstall()
        goOn()
    }

    /// A question's answer.
    func complete(_ finding: Finding) {
        guard context != nil else { return }
        session.reply()
        switch finding {
        case .reply(let bytes):
            write(bytes)
        case .reading(let draft, let bytes):
            if let refusal = desk.record(draft, by: principal) { writer.refuse(refusal) } else { write(bytes) }
        case .nothingYet:
            writer.array(count: 0)
        case .failed(let failure):
            desk.logger.error("a question could not be answered", metadata: metadata.merging(["failure": "\(failure)"]) { $1 })
            if let path = desk.archive.note(failure) {
                desk.logger.critical("a damaged partition is put aside", metadata: ["file": "\(path)"])
            }
            writer.refuse(.failed, "the archive could not be read: \(failure)")
        }
        goOn()
    }

    /// Writes a long answer as it is, and counts it until the client has fetched it.
    private func write(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > ReceptionOptions.gatherBytesMax, let context else {
            writer.buffer.writeImmutableBuffer(bytes)
            return
        }
        flush()
        let count = bytes.readableBytes
        desk.numbers.outputBytes += count
        let desk = NIOLoopBound(desk, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in desk.value.numbers.outputBytes -= count }
    }

    /// Hands what was gathered to the channel.
    func flush() {
        guard writer.buffer.readableBytes > 0 else { return }
        if let context { context.writeAndFlush(wrapOutboundOut(writer.buffer), promise: nil) }
        // The memory is used again once the kernel has taken the bytes; a large one goes back, for sessions may be many.
        if writer.buffer.storageCapacity > Self.outputCapacityKept { writer.buffer = ByteBuffer() } else { writer.buffer.clear() }
    }

    private static let outputCapacityKept = 16 << 10

    /// Closes once the client has fetched what is written. The sweep sees to it that this is not for ever.
    func closeWhenFetched() {
        guard let context, !isEnding else { return }
        isEnding = true
        session.close()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        // An empty write is fulfilled when all before it are.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in bound.value.close(promise: nil) }
    }

    /// Closes at once.
    func breakOff() {
        session.close()
        context?.close(promise: nil)
    }

    /// Begins nothing more, and closes when nothing is owed.
    func drain() {
        session.close()
        goOn()
    }

    /// Whether the client has fetched nothing of what waits for it since `now - patience`.
    func isUnread(at now: NIODeadline, for patience: TimeAmount) -> Bool {
        let bytes = waitingBytes
        if bytes == 0 || bytes != unread.bytes { unread = (bytes, now) }
        return bytes > 0 && now - unread.since >= patience
    }

    private var waitingBytes: Int {
        do {
            return try context?.channel.syncOptions?.getOption(.bufferedWritableBytes) ?? 0
        } catch {
            // The channel has just been closed: nothing waits any more.
            return 0
        }
    }
}

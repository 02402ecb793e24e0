import Archive
import Events
import Logging
import NIOCore
import RESP

/// One connection: moves bytes between the channel, the parser and the desk, as its `Session` decides.
///
/// Belongs to the event loop's thread.
final class SessionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let desk: Desk
    let number: Int
    let principal: Principal
    let rights: Rights
    var session: Session
    var writer = ReplyWriter(version: .resp2)
    /// What the client calls itself.
    var clientName = ""
    /// The place in the desk's list.
    var place = 0
    /// The place in the open batch, from the first append in it to its commit.
    var batchPlace: Int?
    /// The channel, as long as it may be written to.
    var context: ChannelHandlerContext?
    /// The connection closes as soon as everything written is fetched.
    var isEnding = false
    /// How many bytes waited for the client when anybody last looked, and since when it has been so many.
    var unread = (bytes: 0, since: NIODeadline.distantPast)

    private var parser: CommandParser
    private var input = ByteBuffer()
    /// The parser found a command that had to wait.
    private var hasCommand = false
    /// No command is in the input: it is empty, or the end of its frame has not come.
    private(set) var isExhausted = true
    private var isParsing = false
    private var isReadHeld = false
    private var heldInputBytes = 0

    init(desk: Desk, number: Int, peer: Peer) {
        self.desk = desk
        self.number = number
        principal = .user(peer.uid)
        rights = desk.options.rights.rights(of: peer.uid)
        session = Session(appendsMax: desk.options.appendsMax)
        parser = CommandParser(limits: desk.options.parserLimits)
    }

    var metadata: Logger.Metadata { ["connection": "\(number)", "principal": "\(principal)"] }
}

/// What the channel says.
extension SessionHandler {
    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        desk.enter(self)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        session.close()
        input = ByteBuffer()
        hold(inputBytes: 0)
        desk.leave(self)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What comes after the last command is fetched and forgotten, so that the client comes to reading why.
        if session.isClosing { return }
        desk.hasLookedAtSockets()
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeBuffer(&bytes)
        }
        isExhausted = false
        goOn()
    }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Not at once: the change may come from the middle of what this session or the desk is doing.
        if context.channel.isWritable { desk.resume(self) }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        session.endInput()
        goOn()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        desk.logger.debug("a connection broke", metadata: metadata.merging(["error": "\(error)"]) { $1 })
        breakOff()
    }
}

/// Input.
extension SessionHandler {
    /// A session that waits gathers only so much. A frame that has begun may always be finished: its length has a limit of its own.
    private var mayRead: Bool {
        isExhausted || input.readableBytes < desk.options.inputBytesMax && !desk.isInputFull
    }

    private var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Parses and executes as far as the order of things allows.
    func goOn() {
        guard !isParsing, context != nil else { return }
        isParsing = true
        parseAll()
        isParsing = false
        flush()
        if session.isOver(hasMore: !isExhausted) {
            closeWhenFetched()
        } else if isReadHeld, mayRead {
            isReadHeld = false
            context?.read()
        }
    }

    private func parseAll() {
        guard !isExhausted, session.mayParse, isWritable else { return hold(inputBytes: input.readableBytes) }
        // Taken out while its bytes are lent.
        let bytes = input
        input = ByteBuffer()
        let consumed = bytes.withUnsafeReadableBytes { parse($0, with: &parser) }
        keep(rest: bytes, from: consumed)
    }

    /// Returns how many bytes are done with. The parser is lent for all of it: asked for anew, it would be copied for every command.
    private func parse(_ bytes: UnsafeRawBufferPointer, with parser: inout CommandParser) -> Int {
        while session.mayParse, isWritable {
            if !hasCommand {
                switch parser.parse(bytes) {
                case .command:
                    hasCommand = true
                case .needMore:
                    isExhausted = true
                    return parser.takeConsumed()
                case .violation(let violation):
                    // Its turn comes when the appends before it are answered; the parser will say the same again.
                    if session.mayBegin(.other) { end(with: violation) }
                    return 0
                }
            }
            switch parser.lendArguments(of: bytes, to: { perform($0) }) {
            case .next: hasCommand = false
            case .hold: return 0
            case .commit: desk.commit()
            }
            if writer.buffer.readableBytes > ReceptionOptions.gatherBytesMax { flush() }
        }
        // The words of a command that waits are found by their place: its bytes stay where they are.
        return hasCommand ? 0 : parser.takeConsumed()
    }

    /// Keeps what is left, in memory of its own size: the channel's buffers are large, and used again if nobody holds on to them.
    private func keep(rest bytes: ByteBuffer, from consumed: Int) {
        let count = session.isClosing ? 0 : bytes.readableBytes - consumed
        if count > 0 {
            if consumed == 0, count * 2 > bytes.storageCapacity {
                input = bytes
            } else {
                input = ByteBuffer(bytes: bytes.readableBytesView.dropFirst(consumed))
            }
        }
        if count == 0 { isExhausted = true }
        hold(inputBytes: count)
    }

    /// Counts what the session holds. Who waits is not read any further when all together hold too much;
    /// halves of commands nobody can wait for, so a connection that has sent a large one is closed then.
    private func hold(inputBytes bytes: Int) {
        desk.inputBytes += bytes - heldInputBytes
        heldInputBytes = bytes
        guard isExhausted, desk.isInputFull, bytes > desk.inputShareBytes, session.mayBegin(.other) else { return }
        desk.logger.warning("half-sent commands take up too much memory; a connection is closed", metadata: metadata)
        writer.refuse(.busy, "clients have sent too many halves of commands; try again later")
        session.close()
    }

    private func end(with violation: ProtocolViolation) {
        desk.logger.info("a client does not speak the protocol", metadata: metadata.merging(["violation": "\(violation)"]) { $1 })
        writer.refuse(violation.exceedsLimit ? .tooLong : .badArgument, "protocol error: \(violation)")
        session.close()
    }
}

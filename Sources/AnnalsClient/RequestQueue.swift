import NIOCore
import RESP

/// Commands on their way: which wait for room, which were sent and which answers belong to whom. A plain value: it neither
/// writes nor wakes anybody, it says what to write and whom to wake.
///
/// Invariants: requests are in the order in which they are sent: in full before `firstUnsent`, perhaps in part there, not at all behind it;
/// `inFlight` is the number of commands sent and not answered, and never above `inFlightMax`.
struct RequestQueue<Waiter> {
    /// One call: commands that are sent one behind the other, and answered together.
    struct Request {
        let id: Int
        fileprivate var unsent: ByteBuffer
        /// Bytes of each command.
        fileprivate let lengths: [Int]
        fileprivate var commandCount: Int
        fileprivate var sentCount = 0
        fileprivate var answers: [RESPValue] = []
        /// Nil when whoever waited has given up; its answers still have to be taken out of the stream.
        fileprivate var waiter: Waiter?

        init(id: Int, commands: EncodedCommands, waiter: Waiter) {
            precondition(!commands.lengths.isEmpty, "a request has commands, because nothing would ever answer it")
            self.id = id
            self.unsent = commands.bytes
            self.lengths = commands.lengths
            self.commandCount = commands.lengths.count
            self.waiter = waiter
        }

        fileprivate var isSent: Bool { sentCount == commandCount }

        fileprivate mutating func takeUnsent(commandsMax: Int) -> (ByteBuffer?, count: Int) {
            let end = min(commandCount, sentCount + commandsMax)
            let length = lengths[sentCount..<end].reduce(0, +)
            defer { sentCount = end }
            return (unsent.readSlice(length: length), end - sentCount)
        }
    }

    /// Somebody to wake, with what.
    struct Outcome {
        let waiter: Waiter
        let result: Result<[RESPValue], AnnalsClientError>
    }

    private var requests = CircularBuffer<Request>()
    private var firstUnsent = 0
    private(set) var inFlight = 0
    private let inFlightMax: Int

    init(inFlightMax: Int) {
        precondition(inFlightMax > 0, "a queue that may have nothing in flight would never send")
        self.inFlightMax = inFlightMax
    }

    mutating func add(_ request: Request) {
        requests.append(request)
    }

    /// The next bytes to write; nil when all is sent, or as much as may be.
    mutating func takeUnsent() -> ByteBuffer? {
        guard firstUnsent < requests.count, inFlight < inFlightMax else { return nil }
        let place = requests.index(requests.startIndex, offsetBy: firstUnsent)
        let room = inFlightMax - inFlight
        let (bytes, count) = requests.modify(place) { $0.takeUnsent(commandsMax: room) }
        inFlight += count
        if requests[place].isSent { firstUnsent += 1 }
        return bytes
    }

    /// Whether an answer may come at all.
    var expectsAnswer: Bool { inFlight > 0 }

    /// Gives an answer to whom it belongs. Returns the outcome of a request that has all of its answers now.
    mutating func answer(_ value: RESPValue) -> Outcome? {
        precondition(inFlight > 0, "an answer belongs to a command, because answers come in the order of the commands")
        inFlight -= 1
        requests.modify(requests.startIndex) { $0.answers.append(value) }
        return finishFirst()
    }

    /// Forgets who waits for a request. What was not sent of it never will be.
    mutating func cancel(_ id: Int) -> Outcome? {
        guard let place = requests.firstIndex(where: { $0.id == id }) else { return nil }
        let offset = requests.distance(from: requests.startIndex, to: place)
        guard let waiter = requests[place].waiter else { return nil }
        let sent = requests[place].sentCount > 0
        if sent {
            requests[place].waiter = nil
            requests[place].commandCount = requests[place].sentCount
            if offset == firstUnsent { firstUnsent += 1 }
            if offset == 0 { _ = finishFirst() }
        } else {
            requests.remove(at: place)
        }
        return Outcome(waiter: waiter, result: .failure(.cancelled(sent: sent)))
    }

    /// Everyone who waits, told that the connection is over; the queue is empty afterwards.
    mutating func end(because reason: String) -> [Outcome] {
        defer {
            requests.removeAll()
            firstUnsent = 0
            inFlight = 0
        }
        return requests.compactMap { request in
            request.waiter.map {
                Outcome(waiter: $0, result: .failure(request.sentCount > 0 ? .connectionLost(reason: reason) : .closed(reason: reason)))
            }
        }
    }

    private mutating func finishFirst() -> Outcome? {
        guard let first = requests.first, first.answers.count == first.commandCount else { return nil }
        requests.removeFirst()
        firstUnsent -= 1
        return first.waiter.map { Outcome(waiter: $0, result: .success(first.answers)) }
    }
}

/// Commands as the wire has them.
struct EncodedCommands: Sendable {
    var bytes: ByteBuffer
    /// Bytes of each command.
    var lengths: [Int]

    init(_ commands: [[Word]]) throws(AnnalsClientError) {
        var writer = ReplyWriter(version: .resp3)
        lengths = []
        lengths.reserveCapacity(commands.count)
        for words in commands {
            if words.isEmpty { throw .commandEmpty }
            let start = writer.buffer.writerIndex
            writer.array(count: words.count)
            for word in words { Self.write(word, to: &writer) }
            lengths.append(writer.buffer.writerIndex - start)
        }
        bytes = writer.take()
    }

    private static func write(_ word: Word, to writer: inout ReplyWriter) {
        switch word {
        case .text(let text): writer.bulk(text)
        case .number(let number): writer.bulk(decimal: number)
        case .bytes(let bytes): writer.bulk(bytes)
        }
    }
}

import NIOCore
import RESP
import Testing

@testable import AnnalsClient

@Suite("RequestQueue")
struct RequestQueueTests {
    /// A queue whose requests of so many commands wait, named 0, 1, 2, …; each command is one letter.
    private func queue(inFlightMax: Int, _ counts: Int...) throws -> RequestQueue<Int> {
        var queue = RequestQueue<Int>(inFlightMax: inFlightMax)
        for (id, count) in counts.enumerated() {
            let commands = [[Word]](repeating: [.text(String(Character(UnicodeScalar(UInt8(0x61 + id)))))], count: count)
            queue.add(.init(id: id, commands: try EncodedCommands(commands), waiter: id))
        }
        return queue
    }

    /// The letters that the queue lets go now.
    private func sent(_ queue: inout RequestQueue<Int>) -> String {
        var letters = ""
        while let bytes = queue.takeUnsent() { letters += String(buffer: bytes).filter(\.isLetter) }
        return letters
    }

    @Test("no more is sent than may be in flight, and an answer makes room")
    func window() throws {
        var queue = try queue(inFlightMax: 3, 2, 2, 1)
        #expect(sent(&queue) == "aab")
        #expect(sent(&queue) == "")
        #expect(queue.answer(.integer(1)) == nil)
        #expect(sent(&queue) == "b")
        let outcome = queue.answer(.integer(2))
        #expect(outcome?.waiter == 0)
        #expect(outcome?.result == .success([.integer(1), .integer(2)]))
        #expect(sent(&queue) == "c")
    }

    @Test("a pipeline longer than the window goes through it")
    func longPipeline() throws {
        var queue = try queue(inFlightMax: 2, 5)
        var letters = ""
        var outcome: RequestQueue<Int>.Outcome?
        for number in 0..<5 {
            letters += sent(&queue)
            outcome = queue.answer(.integer(number))
        }
        #expect(letters == "aaaaa")
        #expect(outcome?.result == .success((0..<5).map { .integer($0) }))
        #expect(!queue.expectsAnswer)
    }

    @Test("who gives up before anything was sent leaves no trace")
    func cancelUnsent() throws {
        var queue = try queue(inFlightMax: 1, 1, 1, 1)
        #expect(sent(&queue) == "a")
        #expect(queue.cancel(1)?.result == .failure(.cancelled(sent: false)))
        #expect(queue.answer(.null)?.waiter == 0)
        #expect(sent(&queue) == "c")
        #expect(queue.answer(.null)?.waiter == 2)
    }

    @Test("the answer of who gave up is not given to the next")
    func cancelSent() throws {
        var queue = try queue(inFlightMax: 9, 1, 1)
        #expect(sent(&queue) == "ab")
        #expect(queue.cancel(0)?.result == .failure(.cancelled(sent: true)))
        #expect(queue.cancel(0) == nil)
        #expect(queue.answer(.integer(1)) == nil)
        #expect(queue.answer(.integer(2))?.result == .success([.integer(2)]))
    }

    @Test("the rest of a pipeline that was given up is not sent")
    func cancelHalfSent() throws {
        var queue = try queue(inFlightMax: 2, 4, 1)
        #expect(sent(&queue) == "aa")
        #expect(queue.answer(.null) == nil)
        #expect(queue.cancel(0)?.result == .failure(.cancelled(sent: true)))
        #expect(sent(&queue) == "b")
        #expect(queue.answer(.null) == nil)
        #expect(queue.answer(.null)?.waiter == 1)
    }

    @Test("a pipeline given up between its answers and its rest is gone at once")
    func cancelBetween() throws {
        var queue = try queue(inFlightMax: 1, 2, 1)
        #expect(sent(&queue) == "a")
        #expect(queue.answer(.null) == nil)
        #expect(queue.cancel(0)?.result == .failure(.cancelled(sent: true)))
        #expect(sent(&queue) == "b")
        #expect(queue.answer(.null)?.waiter == 1)
        #expect(queue.cancel(1) == nil)
    }

    @Test("at the end everyone is told whether their command was sent")
    func end() throws {
        var queue = try queue(inFlightMax: 3, 1, 1, 2, 1)
        _ = sent(&queue)
        _ = queue.cancel(1)
        let outcomes = queue.end(because: "gone")
        #expect(outcomes.map(\.waiter) == [0, 2, 3])
        #expect(
            outcomes.map(\.result) == [
                .failure(.connectionLost(reason: "gone")), .failure(.connectionLost(reason: "gone")), .failure(.closed(reason: "gone")),
            ])
        #expect(queue.end(because: "again").isEmpty)
    }

    @Test("a command is an array of bulk strings, whatever its words are")
    func encoding() throws {
        let encoded = try EncodedCommands([["SET", "ä\("b")", 12], [.bytes([0x0D])]])
        #expect(String(buffer: encoded.bytes) == "*3\r\n$3\r\nSET\r\n$3\r\näb\r\n$2\r\n12\r\n*1\r\n$1\r\n\r\r\n")
        #expect(encoded.lengths == [30, 11])
        #expect(throws: AnnalsClientError.commandEmpty) { try EncodedCommands([["PING"], []]) }
    }
}

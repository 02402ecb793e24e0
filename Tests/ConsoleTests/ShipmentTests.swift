import AnnalsClient
import Console
import Testing

struct ShipmentTests {
    private func shipment(_ count: Int) -> Shipment {
        var shipment = Shipment()
        for number in 1...count {
            shipment.add(.init(number: number, bytes: [0]), .request(.send, ["SEND", .number(number)]))
        }
        return shipment
    }

    private let appended = RESPValue.array([.integer(1), .simple("appended")])
    private let present = RESPValue.array([.integer(1), .simple("present")])
    private let busy = RESPValue.error(code: "BUSY", message: "wait a moment and send it again")

    @Test("answers settle lines in their order")
    func settled() throws {
        var shipment = shipment(3)
        try shipment.settle([appended, present, .error(code: "TOOLONG", message: "body has 5 bytes")])
        #expect(shipment.isSettled)
        #expect(
            shipment.settled.map(\.outcome) == [
                .appended(.send), .present, .refused(.init("too long"), detail: "TOOLONG body has 5 bytes"),
            ])
    }

    @Test("what the daemon was too busy for goes again, with all that is behind it")
    func busyInTheMiddle() throws {
        var shipment = shipment(4)
        try shipment.settle([appended, busy, appended, .error(code: "CONFLICT", message: "another body")])
        #expect(!shipment.isSettled)
        #expect(shipment.settled.count == 1)
        #expect(shipment.unsettled == [["SEND", 2], ["SEND", 3], ["SEND", 4]])
        // The third was appended by the first try, and is counted so; the fourth is judged by the last try.
        try shipment.settle([appended, present, present])
        #expect(shipment.settled.map(\.outcome) == [.appended(.send), .appended(.send), .appended(.send), .present])
    }

    @Test("what no later line would survive stops the import, and keeps what is known")
    func pointless() throws {
        var shipment = shipment(3)
        let trouble = #expect(throws: Trouble.self) {
            try shipment.settle([appended, .error(code: "DENIED", message: "uid 7 may not import"), appended])
        }
        #expect(trouble == Trouble(.refused, "DENIED uid 7 may not import"))
        #expect(shipment.settled.count == 1)
    }

    @Test("lines that ask for nothing are settled without being sent, in their place")
    func refusedHere() throws {
        var shipment = Shipment()
        shipment.add(.init(number: 1, bytes: []), .refused(.notJSON))
        shipment.add(.init(number: 2, bytes: []), .request(.localDelete, ["LOCALDELETE"]))
        shipment.add(.init(number: 3, bytes: []), .refused(.no("time")))
        #expect(shipment.unsettled == [["LOCALDELETE"]])
        try shipment.settle([busy])
        #expect(shipment.settled.map(\.line.number) == [1])
        #expect(shipment.unsettled == [["LOCALDELETE"]])
        try shipment.settle([appended])
        #expect(shipment.isSettled)
        #expect(
            shipment.settled.map(\.outcome)
                == [.refused(.notJSON, detail: nil), .appended(.localDelete), .refused(.no("time"), detail: nil)])
    }

    @Test("a shipment is full by lines or by bytes")
    func full() {
        #expect(!shipment(Shipment.linesMax - 1).isFull)
        #expect(shipment(Shipment.linesMax).isFull)
        var heavy = Shipment()
        heavy.add(.init(number: 1, bytes: [UInt8](repeating: 0, count: Shipment.bytesMax)), .request(.send, ["SEND"]))
        #expect(heavy.isFull)
    }

    @Test(
        "the daemon's refusals are counted under few words",
        arguments: [
            ("UNKNOWN", "there is no message of this id", ImportLine.Kind.localDelete, "unknown message"),
            ("BADARG", "message-id is empty; give 1 to 128 bytes of UTF-8", .send, "bad message id"),
            ("BADARG", "at lies in the future (9999-01-01T00:00:00.000Z); an import brings what has happened", .send, "bad time"),
            ("BADARG", "AT must be a time in milliseconds since 1970, before the year 10000", .localDelete, "bad time"),
            ("BADARG", "what was that", .send, "bad argument"),
            ("CONFLICT", "the id is taken", .send, "conflict"),
        ])
    func reasons(code: String, message: String, kind: ImportLine.Kind, reason: String) {
        let answer = ImportAnswer(.error(code: code, message: message), to: kind)
        #expect(answer == .settled(.refused(.init(reason), detail: "\(code) \(message)")))
    }

    @Test(
        "a daemon that does not know the command, or cannot write, ends the import",
        arguments: ["UNKNOWN", "READONLY", "FULL", "FAILED", "AUTH"])
    func hopeless(code: String) {
        guard case .pointless(let trouble) = ImportAnswer(.error(code: code, message: "command 'SEND'"), to: .send) else {
            Issue.record("the import would go on")
            return
        }
        #expect(trouble.status == (["UNKNOWN", "AUTH"].contains(code) ? .refused : .failed))
    }

    @Test("the map of a policy's change tells its status, too")
    func mapAnswer() {
        let map = RESPValue.map([
            .init(key: .simple("position"), value: .integer(4)), .init(key: .simple("status"), value: .bulk(Array("present".utf8))),
        ])
        #expect(ImportAnswer(map, to: .retentionChange) == .settled(.present))
        #expect(ImportAnswer(.array(map.entries?.flatMap { [$0.key, $0.value] } ?? []), to: .retentionChange) == .settled(.present))
    }
}

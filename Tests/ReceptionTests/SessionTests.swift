import Testing

@testable import Reception

@Suite("Session")
struct SessionTests {
    @Test("appends follow each other without waiting for an answer")
    func appendsGather() {
        var session = Session(appendsMax: 3)
        for _ in 0..<3 {
            let mayBegin = session.mayBegin(.append)
            #expect(mayBegin)
            session.admit()
        }
        let state = session.state
        #expect(state == .appending(3))
    }

    @Test("no more appends are unanswered than allowed")
    func appendsAreBounded() {
        var session = Session(appendsMax: 1)
        session.admit()
        let before = session.mayBegin(.append)
        session.answerAll()
        let after = session.mayBegin(.append)
        #expect(!before)
        #expect(after)
    }

    @Test("every other command waits until the appends before it are answered")
    func othersWait() {
        var session = Session(appendsMax: 9)
        session.admit()
        let before = session.mayBegin(.other)
        session.answerAll()
        let after = session.mayBegin(.other)
        #expect(!before)
        #expect(after)
    }

    @Test("nothing begins while a question is under way")
    func questionsAreAlone() {
        var session = Session(appendsMax: 9)
        session.ask()
        let during = (session.mayBegin(.append), session.mayBegin(.other), session.mayParse)
        session.reply()
        let after = session.mayBegin(.append)
        #expect(during == (false, false, false))
        #expect(after)
    }

    @Test("a stalled session remembers what is unanswered, and goes on where it was")
    func stallingKeepsTheCount() {
        var session = Session(appendsMax: 9)
        session.admit()
        session.admit()
        session.stall()
        let stalled = (session.state, session.unanswered, session.mayParse)
        session.unstall()
        let state = session.state
        #expect(stalled == (.stalled(2), 2, false))
        #expect(state == .appending(2))
    }

    @Test("a commit answers a stalled session, and it still waits for room")
    func commitDuringStall() {
        var session = Session(appendsMax: 9)
        session.admit()
        session.stall()
        session.answerAll()
        let stalled = session.state
        session.unstall()
        let state = session.state
        #expect(stalled == .stalled(0))
        #expect(state == .ready)
    }

    @Test("a closing session begins nothing, and is over when all is answered")
    func closingFinishesWhatIsUnderWay() {
        var session = Session(appendsMax: 9)
        session.admit()
        session.close()
        let before = (session.mayBegin(.append), session.isOver(hasMore: true))
        session.answerAll()
        let after = session.isOver(hasMore: true)
        #expect(before == (false, false))
        #expect(after)
    }

    @Test("a client that has said everything is served until nothing of it is left")
    func inputEnds() {
        var session = Session(appendsMax: 9)
        session.endInput()
        let withMore = session.isOver(hasMore: true)
        let without = session.isOver(hasMore: false)
        #expect(!withMore)
        #expect(without)
    }

    @Test("a question of a closing session is still answered")
    func closingWhileAsking() {
        var session = Session(appendsMax: 9)
        session.ask()
        session.close()
        let before = session.isOver(hasMore: false)
        session.reply()
        let after = session.isOver(hasMore: false)
        #expect(!before)
        #expect(after)
    }
}

import Archive
import Events
import Logging
import NIOCore
import NIOPosix
import RESP

/// Questions, and those who wait for events.
extension Desk {
    /// Whether so many answers lie unread that no more are made.
    var isOutputFull: Bool { numbers.outputBytes > options.outputBytesTotalMax }

    func ask(_ inquiry: Inquiry, for session: SessionHandler) {
        let bound = NIOLoopBound(session, eventLoop: loop)
        ask(inquiry, version: session.writer.version) { finding in bound.value.complete(finding) }
    }

    private func ask(_ inquiry: Inquiry, version: ProtocolVersion, then: @escaping @Sendable (Finding) -> Void) {
        questions.append(Question(inquiry: inquiry, version: version, then: then))
        handOutQuestions()
    }

    /// Gives waiting questions to the threads, only as many as keep those busy: what their answers take is known when they are
    /// written, so each of the next ones is judged with the last ones counted.
    private func handOutQuestions() {
        while questionsUnderWay < 2 * options.queryThreads, let question = questions.popFirst() {
            if isOutputFull {
                question.then(.reply(question.refusal))
            } else {
                handOut(question)
            }
        }
    }

    private func handOut(_ question: Question) {
        questionsUnderWay += 1
        let desk = NIOLoopBound(self, eventLoop: loop)
        pool.submit { [archive, loop] state in
            // The pool stops only after the last session is gone: nobody waits for an answer then.
            guard case .active = state else { return }
            let finding = question.inquiry.answer(from: archive, version: question.version)
            loop.execute {
                question.then(finding)
                desk.value.questionsUnderWay -= 1
                desk.value.handOutQuestions()
            }
        }
    }

    /// Asks for events until there are some, or the time is over.
    func follow(_ command: EventsReadCommand, for session: SessionHandler) {
        let follower = Follower(session: session, question: command.question)
        followers[ObjectIdentifier(session)] = follower
        let desk = NIOLoopBound(self, eventLoop: loop)
        let bound = NIOLoopBound(follower, eventLoop: loop)
        follower.timeout = loop.scheduleTask(in: .milliseconds(Int64(command.blockMilliseconds))) {
            desk.value.expire(bound.value)
        }
        ask(for: follower)
    }

    private func ask(for follower: Follower) {
        follower.isAsking = true
        let desk = NIOLoopBound(self, eventLoop: loop)
        let bound = NIOLoopBound(follower, eventLoop: loop)
        ask(.events(follower.question), version: follower.session.writer.version) { finding in
            desk.value.hear(finding, for: bound.value)
        }
    }

    private func hear(_ finding: Finding, for follower: Follower) {
        follower.isAsking = false
        if case .nothingYet(let next) = finding, !follower.isExpired {
            follower.question.from = next
            // What was committed while the question was under way woke nobody.
            if archive.end >= next { ask(for: follower) }
            return
        }
        dismiss(follower)
        follower.session.complete(finding)
    }

    func expire(_ follower: Follower) {
        follower.isExpired = true
        guard !follower.isAsking else { return }
        dismiss(follower)
        follower.session.complete(.nothingYet(next: follower.question.from))
    }

    /// Asks again for everybody whom a commit may have brought something.
    func wakeFollowers() {
        guard !followers.isEmpty else { return }
        let end = archive.end
        for follower in followers.values where !follower.isAsking && end >= follower.question.from { ask(for: follower) }
    }

    func dismiss(_ follower: Follower) {
        follower.timeout?.cancel()
        followers[ObjectIdentifier(follower.session)] = nil
    }
}

/// A question on its way to a thread.
struct Question: Sendable {
    let inquiry: Inquiry
    let version: ProtocolVersion
    let then: @Sendable (Finding) -> Void

    /// What is said when too much lies unread by the time that it is its turn.
    fileprivate var refusal: ByteBuffer {
        var writer = ReplyWriter(version: version)
        writer.refuse(.tooManyUnread)
        return writer.buffer
    }
}

extension Refusal {
    static let tooManyUnread = Refusal(.busy, "too many answers wait for clients to read them; try again later")
}

/// A session that waits for events.
final class Follower {
    let session: SessionHandler
    var question: EventsQuestion
    var timeout: Scheduled<Void>?
    var isAsking = false
    var isExpired = false

    init(session: SessionHandler, question: EventsQuestion) {
        self.session = session
        self.question = question
    }
}

import Archive
import Events
import Logging
import NIOCore

/// Coming and going.
extension Desk {
    var isDraining: Bool { drained != nil }

    var numbersNow: DeskNumbers {
        var numbers = numbers
        numbers.connections = sessions.count
        return numbers
    }

    var isFull: Bool { sessions.count >= options.connectionsMax }

    func enter(_ session: SessionHandler) {
        session.place = sessions.count
        sessions.append(session)
        if isDraining { session.drain() }
    }

    func leave(_ session: SessionHandler) {
        let last = sessions.removeLast()
        if last !== session {
            sessions[session.place] = last
            last.place = session.place
        }
        if let follower = followers[ObjectIdentifier(session)] {
            follower.isExpired = true
            dismiss(follower)
        }
        if sessions.isEmpty { drained?.succeed() }
    }

    /// Accepts nothing more; what is accepted is answered, then every connection closes. Fulfilled when the last one has.
    func drain() -> EventLoopFuture<Void> {
        if let drained { return drained.futureResult }
        let promise = loop.makePromise(of: Void.self)
        drained = promise
        // Whoever waits for a compaction would hold it up.
        archive.upkeep.beginStopping()
        commit()
        for session in sessions { session.drain() }
        for follower in Array(followers.values) { expire(follower) }
        if sessions.isEmpty {
            promise.succeed()
        } else {
            let desk = NIOLoopBound(self, eventLoop: loop)
            let timer = loop.scheduleTask(in: .seconds(Int64(options.drainSeconds))) { desk.value.breakOff() }
            promise.futureResult.whenComplete { _ in timer.cancel() }
        }
        return promise.futureResult
    }

    private func breakOff() {
        logger.warning("clients did not fetch their last answers in time", metadata: ["connections": "\(sessions.count)"])
        for session in sessions { session.breakOff() }
    }

    /// Closes connections whose clients have not read for too long, and says what went wrong meanwhile. Called every few seconds.
    func sweep(at now: NIODeadline) {
        tellTrouble()
        let patience = TimeAmount.seconds(Int64(options.unreadSeconds))
        for session in sessions where session.isUnread(at: now, for: patience) {
            logger.warning("a client does not read its answers; its connection is closed", metadata: session.metadata)
            session.breakOff()
        }
    }
}

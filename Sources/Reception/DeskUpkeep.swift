import Archive
import Events
import Logging
import NIOCore
import RESP

/// Upkeep: it works on a thread of its own, and appends on this one.
extension Desk {
    /// Lends the appender to upkeep, when everything that waits is committed.
    func startUpkeep() {
        let desk = NIOLoopBound(self, eventLoop: loop)
        archive.upkeep.onNews { [logger] news in news.tell(logger) }
        if !archive.isMemoryLocked {
            logger.warning("the system does not lock the keys' memory, so it may be swapped out; raise LimitMEMLOCK (ulimit -l)")
        }
        archive.upkeep.start { [loop] work in loop.execute { desk.value.lend(work) } }
    }

    private func lend(_ work: @Sendable (Appender) -> Void) {
        commit()
        work(appender)
        wakeFollowers()
        tellTrouble()
        guard appender.takesRules, !waitingForRules.isEmpty else { return }
        let sessions = waitingForRules
        waitingForRules.removeAll()
        for session in sessions { session.unstall() }
    }

    /// A rule is to be changed while keys are being destroyed: it waits for the receipt.
    func wait(forRules session: SessionHandler) { waitingForRules.append(session) }

    /// An operator says that the clock is right; it counts once it is on disk.
    func confirmClock() {
        commit()
        archive.upkeep.ring()
    }

    /// Has upkeep do something, and answers with what came of it.
    func order(_ order: UpkeepOrder, for session: SessionHandler) throws(Refusal) {
        let bound = NIOLoopBound(session, eventLoop: loop)
        let version = session.writer.version
        let isTaken = archive.upkeep.submit { [archive, loop] in
            let finding = order.carryOut(on: archive, version: version)
            loop.execute { bound.value.complete(finding) }
        }
        guard isTaken else { throw Refusal(.busy, "too much waits for upkeep already, or the daemon is stopping; try again later") }
    }
}

/// What an administrator has upkeep do.
enum UpkeepOrder: Sendable {
    case purge(PurgeRunCommand, by: Principal)
    case compact(CompactCommand)

    func carryOut(on archive: Archive, version: ProtocolVersion) -> Finding {
        var writer = ReplyWriter(version: version)
        do throws(ArchiveFailure) {
            switch self {
            case .purge(let command, let principal):
                switch try archive.upkeep.run(command.plan, count: command.count, by: principal) {
                case .done(let receipt): writer.position(receipt)
                case .refused(let refusal): writer.refuse(refusal)
                }
            case .compact(let command):
                switch try archive.upkeep.compact(command.partition, minGainPercent: command.minGainPercent) {
                case .success(let reports): writer.compactions(reports)
                case .failure(let refusal): writer.refuse(refusal)
                }
            }
            return .reply(writer.buffer)
        } catch {
            return .failed(error)
        }
    }
}

extension SessionHandler {
    /// Commands about what is kept and what is destroyed.
    func keep(_ command: Command, _ words: borrowing CommandArguments) throws(Refusal) {
        switch command {
        case .retentionPresets: return try ask(.presets(desk.options.presets))
        case .purgeStatus: return try ask(.upkeep)
        default: try demand(.administering, for: command.card.name)
        }
        switch command {
        case .retentionPreview: try ask(.preview(PreviewQuestion(words, presets: desk.options.presets)))
        case .holdList: try ask(.holds(HoldListCommand(words)))
        case .purgePlan: try ask(.purgePlan(PurgePlanCommand(words)))
        case .purgeList: try ask(.purges(count: PurgeListCommand.count(words)))
        case .purgeRun: try order(.purge(PurgeRunCommand(words), by: principal))
        default: try order(.compact(CompactCommand(words)))
        }
    }

    private func order(_ order: UpkeepOrder) throws(Refusal) {
        try checkOutput()
        try desk.order(order, for: self)
        session.ask()
    }
}

extension UpkeepNews {
    func tell(_ logger: Logger) {
        switch self {
        case .purged(let receipt, let messages, let keys):
            logger.notice("purged", metadata: ["receipt": "\(receipt)", "messages": "\(messages)", "keys": "\(keys)"])
        case .withdrawn(let receipt):
            logger.notice("a purge was withdrawn: on the way a rule changed, or the clock was doubted", metadata: ["receipt": "\(receipt)"])
        case .compacted(let partition, let before, let after):
            logger.notice(
                "compacted", metadata: ["partition": "\(partition)", "bytes-before": "\(before)", "bytes-after": "\(after)"])
        case .removed(let partition, let events):
            logger.notice(
                "a partition left the log, its trail's time being over", metadata: ["partition": "\(partition)", "events": "\(events)"])
        case .clockDoubted(let reason):
            logger.error("nothing is destroyed until an operator says that the clock is right", metadata: ["reason": "\(reason)"])
        case .escrowed: logger.debug("the escrow is renewed")
        case .escrowFailed(let reason):
            logger.error("the escrow is not as it must be", metadata: ["trouble": "\(reason)"])
        case .signed(let size): logger.debug("a checkpoint is signed", metadata: ["size": "\(size)"])
        case .signingFailed(let reason):
            logger.error("no checkpoint is signed; it is tried again", metadata: ["trouble": "\(reason)"])
        case .readerHangs(let sentence):
            logger.warning("pages cannot be used again while a reader hangs", metadata: ["reader": "\(sentence)"])
        case .failed(let failure): logger.error("upkeep failed; it is tried again", metadata: ["trouble": "\(failure)"])
        }
    }
}

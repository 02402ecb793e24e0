import Archive
import Events
import RESP

/// Answers about purges.
extension ReplyWriter {
    private static let linesMax = 1000

    mutating func plan(_ plan: PurgePlan, name: (Int32) -> String) {
        map(count: 16)
        key("plan")
        bulk(plan.id)
        basis(plan.basis)
        key("messages")
        integer(Int(clamping: plan.messages))
        key("conversations")
        integer(Int(clamping: plan.conversations))
        key("bytes")
        integer(Int(clamping: plan.bytes))
        key("held")
        integer(Int(clamping: plan.held))
        key("floored")
        integer(Int(clamping: plan.floored))
        key("locked")
        integer(Int(clamping: plan.locked))
        key("partitions")
        integer(plan.partitions)
        key("keys")
        integer(plan.keys)
        key("survivors")
        integer(Int(clamping: plan.survivors))
        key("position")
        position(plan.position)
        key("time")
        instant(plan.time)
        key("digest")
        hexadecimal(plan.digest)
        key("lines")
        let lines = plan.lines.prefix(Self.linesMax)
        array(count: lines.count)
        for line in lines { self.line(line, name: name) }
    }

    private mutating func line(_ line: PurgePlan.Line, name: (Int32) -> String) {
        map(count: 6)
        key("partition")
        bulk(name(line.line.partition))
        key("tenant")
        self.name(line.line.tenant)
        key("messages")
        integer(Int(clamping: line.line.messages))
        key("bytes")
        integer(Int(clamping: line.line.bytes))
        key("keys")
        integer(line.line.keys.count)
        key("survivors")
        integer(Int(clamping: line.survivors))
    }

    private mutating func basis(_ basis: PurgeBasis) {
        key("basis")
        bulk(basis.word)
        key("before")
        if case .before(let time) = basis { instant(time) } else { null() }
    }

    mutating func purges(_ purges: [PurgeSummary]) {
        array(count: purges.count)
        for purge in purges {
            map(count: 14)
            key("position")
            position(purge.position)
            key("at")
            instant(purge.at)
            key("intent")
            position(purge.intent)
            key("intent-at")
            instant(purge.intentAt)
            key("principal")
            bulk(purge.principal.description)
            key("outcome")
            bulk(purge.outcome.word)
            key("scope")
            bulk(purge.coverage.description)
            basis(purge.basis)
            key("messages")
            integer(Int(clamping: purge.messages))
            key("bytes")
            integer(Int(clamping: purge.bytes))
            key("keys")
            integer(Int(clamping: purge.keys))
            key("partitions")
            integer(purge.partitions)
            key("digest")
            hexadecimal(purge.digest)
        }
    }

    mutating func upkeep(_ status: UpkeepStatus, now: Instant) {
        map(count: 16)
        key("state")
        bulk(status.activity.rawValue)
        key("partition")
        text(orNull: status.partition)
        key("done")
        integer(status.done)
        key("total")
        integer(status.total)
        key("started")
        instant(orNull: status.started)
        key("clock")
        bulk(status.doubt == nil ? "trusted" : "doubted")
        key("clock-reason")
        text(orNull: status.doubt)
        key("oldest-expired-at")
        instant(orNull: status.oldestExpired)
        key("oldest-expired-seconds")
        integer(status.oldestExpiredSeconds(now: now))
        key("next-purge")
        instant(orNull: status.nextPurge)
        key("open-intents")
        integer(status.openIntents)
        key("last-receipt")
        position(orNull: status.lastReceipt)
        key("last-error")
        text(orNull: status.lastError)
        key("escrow")
        bulk(status.escrowWord)
        key("escrow-at")
        instant(orNull: status.escrowMadeAt)
        key("escrow-reason")
        text(orNull: status.escrowError)
    }

    mutating func compactions(_ reports: [PartitionCompaction]) {
        array(count: reports.count)
        for report in reports {
            map(count: 6)
            key("partition")
            bulk(report.name)
            key("outcome")
            bulk(report.outcome)
            key("before")
            integer(report.bytesBefore)
            key("after")
            integer(report.bytesAfter)
            key("returned")
            integer(report.bytesBefore - report.bytesAfter)
            key("seconds")
            integer(report.seconds)
        }
    }
}

extension UpkeepStatus {
    var escrowWord: String { !hasEscrow ? "none" : escrowError == nil ? "kept" : "failed" }

    /// How long the oldest message that should be gone has been expired; 0 when there is none.
    func oldestExpiredSeconds(now: Instant) -> Int {
        oldestExpired.map { max(0, Int((now.milliseconds - $0.milliseconds) / 1000)) } ?? 0
    }
}

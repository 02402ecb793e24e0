import Archive
import Events
import RESP

/// Answers for operators.
extension ReplyWriter {
    mutating func partitions(_ partitions: [PartitionSummary]) {
        array(count: partitions.count)
        for partition in partitions {
            map(count: 14)
            key("partition")
            bulk(partition.name)
            key("events")
            integer(partition.events)
            key("messages")
            integer(partition.messages)
            key("bytes")
            integer(partition.bodyBytes)
            key("disk")
            integer(partition.diskBytes)
            key("live")
            integer(partition.live)
            key("expired")
            integer(partition.expired)
            key("held")
            integer(partition.held)
            key("purged")
            integer(partition.purged)
            key("free")
            integer(partition.freeBytes)
            key("next-expiry")
            instant(orNull: partition.nextExpiry)
            key("first")
            position(partition.first)
            key("last")
            position(partition.last)
            key("damage")
            text(orNull: partition.damage)
        }
    }

    mutating func digest(_ digest: StateDigest) {
        map(count: 2)
        key("position")
        position(digest.position)
        key("digest")
        hexadecimal(digest.bytes)
    }

    mutating func statistics(_ numbers: Statistics, _ upkeep: UpkeepStatus, _ desk: DeskNumbers) {
        let integers: [(StaticString, Int)] = [
            ("position", Int(clamping: numbers.position.rawValue)), ("folded", Int(clamping: numbers.folded.rawValue)),
            ("tail-events", numbers.tailEvents), ("tail-bytes", numbers.tailBytes), ("partitions", numbers.partitions),
            ("open-partitions", numbers.openPartitions), ("removed-partitions", numbers.removedPartitions),
            ("damaged-partitions", numbers.damagedPartitions), ("messages", numbers.messages),
            ("conversations", numbers.conversations),
            ("body-bytes", numbers.bodyBytes), ("disk-bytes", numbers.diskBytes), ("journal-bytes", numbers.journalBytes),
            ("batches", numbers.batches), ("folds", numbers.folds), ("started", Int(numbers.started.milliseconds)),
            ("connections", desk.connections), ("connections-total", desk.connectionsTotal),
            ("connections-refused", desk.connectionsRefused), ("commands", desk.commands), ("commits", desk.commits),
            ("answers-waiting-bytes", desk.outputBytes), ("keys", numbers.keys), ("open-intents", upkeep.openIntents),
            ("oldest-expired-seconds", upkeep.oldestExpiredSeconds(now: numbers.now)),
        ]
        map(count: integers.count + 9)
        for (key, value) in integers {
            self.key(key)
            integer(value)
        }
        key("next-purge")
        instant(orNull: upkeep.nextPurge)
        key("clock")
        bulk(upkeep.doubt == nil ? "trusted" : "doubted")
        key("escrow")
        bulk(upkeep.escrowWord)
        key("checkpoint")
        integer(Int(clamping: numbers.checkpointSize))
        key("checkpoint-error")
        text(orNull: upkeep.checkpointError)
        key("hanging-reader")
        text(orNull: upkeep.hangingReader)
        key("writable")
        boolean(numbers.isWritable)
        key("partition-length")
        bulk(numbers.partitionLength)
        key("instance")
        bulk(numbers.instance)
    }
}

/// Numbers about the door, at one moment.
struct DeskNumbers: Sendable {
    var connections = 0
    var connectionsTotal = 0
    var connectionsRefused = 0
    var commands = 0
    var commits = 0
    /// Answers of questions that wait for their client to read them.
    var outputBytes = 0
}

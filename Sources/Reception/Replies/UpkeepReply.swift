import Archive
import Events
import RESP

/// Answers for operators.
extension ReplyWriter {
    mutating func policy(_ policy: PolicyInForce, of scope: Scope) {
        map(count: 5)
        key("scope")
        bulk(scope.description)
        key("period")
        bulk(policy.period.description)
        key("from")
        bulk(policy.from?.level ?? "default")
        key("position")
        position(orNull: policy.position)
        key("effective-at")
        instant(orNull: policy.effectiveAt)
    }

    mutating func partitions(_ partitions: [PartitionSummary]) {
        array(count: partitions.count)
        for partition in partitions {
            map(count: 7)
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
            key("first")
            position(partition.first)
            key("last")
            position(partition.last)
        }
    }

    mutating func digest(_ digest: StateDigest) {
        map(count: 2)
        key("position")
        position(digest.position)
        key("digest")
        hexadecimal(digest.bytes)
    }

    mutating func statistics(_ numbers: Statistics, _ desk: DeskNumbers) {
        let integers: [(StaticString, Int)] = [
            ("position", Int(clamping: numbers.position.rawValue)), ("folded", Int(clamping: numbers.folded.rawValue)),
            ("tail-events", numbers.tailEvents), ("tail-bytes", numbers.tailBytes), ("partitions", numbers.partitions),
            ("open-partitions", numbers.openPartitions), ("messages", numbers.messages), ("conversations", numbers.conversations),
            ("body-bytes", numbers.bodyBytes), ("disk-bytes", numbers.diskBytes), ("journal-bytes", numbers.journalBytes),
            ("batches", numbers.batches), ("folds", numbers.folds), ("started", Int(numbers.started.milliseconds)),
            ("connections", desk.connections), ("connections-total", desk.connectionsTotal),
            ("connections-refused", desk.connectionsRefused), ("commands", desk.commands), ("commits", desk.commits),
            ("answers-waiting-bytes", desk.outputBytes),
        ]
        map(count: integers.count + 3)
        for (key, value) in integers {
            self.key(key)
            integer(value)
        }
        key("writable")
        boolean(numbers.isWritable)
        key("partition-length")
        bulk(numbers.partitionLength)
        key("instance")
        bulk(numbers.instance)
    }
}

extension Scope {
    /// Which of the three kinds of scope it is.
    fileprivate var level: String {
        switch self {
        case .system: "system"
        case .tenant: "tenant"
        case .conversation: "conversation"
        }
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

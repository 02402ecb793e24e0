import Events
import LMDB
import Ledger

/// Whether local deletes are of messages that there are: a daemon looks each of them up before it takes one.
///
/// Of messages that have left the log nobody can tell any more, and where a record is missing or cannot be read others tell of it.
struct DeleteAudit: Sendable {
    private(set) var report = AuditReport()
    private let map: LogMap
    private let files: LogFiles
    /// Not looked up yet.
    private var sought: [Sought] = []

    private struct Sought {
        var delete: Position
        var tenant: TenantID
        var conversation: ConversationID
        var message: LocalDelete.Target
    }

    private static let soughtMax = 16_384

    init(_ map: LogMap, _ files: LogFiles) {
        self.map = map
        self.files = files
    }

    mutating func take(_ event: Event) {
        guard case .localDelete(let deletion) = event.deed, let tenant = event.tenant else { return }
        switch deletion.extent {
        case .messages(let targets):
            for target in targets where target.position < .first || target.position >= event.position { note(target, of: event.position) }
            for target in targets where target.position >= .first && target.position < event.position {
                sought.append(
                    Sought(delete: event.position, tenant: tenant, conversation: deletion.conversation, message: target))
            }
            if sought.count >= Self.soughtMax { settle() }
        case .upTo(let position):
            guard let refusal = LocalDelete.refusal(ofClearing: position, before: event.position) else { return }
            report.note(illegal: event.position, .localDelete, refusal.fact, in: files)
        }
    }

    /// Looks up what is not looked up yet: each partition is opened once, and read in its own order.
    mutating func settle() {
        var partitions: [PartitionID: [Sought]] = [:]
        for one in sought {
            let position = one.message.position
            guard let run = map.runs(in: position...position).first else { continue }
            switch run.source {
            case .partition(let id): partitions[id, default: []].append(one)
            case .journal(let records): records.first?.withUnsafeBytes { compare($0, with: one) }
            case .tombstone: break
            }
        }
        sought.removeAll(keepingCapacity: true)
        for (id, all) in partitions.sorted(by: { $0.key < $1.key }) {
            lookUp(all.sorted { $0.message.position < $1.message.position }, in: id)
        }
    }

    private mutating func lookUp(_ all: [Sought], in id: PartitionID) {
        do {
            guard let lease = try files.shelf.lease(id) else { return }
            let partition = lease.partition
            try partition.environment.read { reader in
                for one in all {
                    let key = one.message.position.key
                    _ = try reader.lend(key.span.bytes, in: partition.trail) { record in
                        record.withUnsafeBytes { compare($0, with: one) }
                    }
                }
            }
        } catch {
            report.note(.damaged, in: files.shelf.path(of: id), "cannot be read: \(error)")
        }
    }

    private mutating func compare(_ record: UnsafeRawBufferPointer, with one: Sought) {
        let decoded = Result { () throws(TrailFault) in try Event(decoding: record) }
        guard case .success(let event) = decoded, event.position == one.message.position else { return }
        if event.isMessage(one.message.messageID, in: one.conversation, of: one.tenant) { return }
        note(one.message, of: one.delete)
    }

    private mutating func note(_ target: LocalDelete.Target, of delete: Position) {
        report.note(
            illegal: delete, .localDelete, "at \(target.position) is no message '\(target.messageID)' of its conversation", in: files)
    }
}

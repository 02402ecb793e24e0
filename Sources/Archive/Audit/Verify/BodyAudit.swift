import Events
import Ledger
import Projections
import Vault

/// Judges bodies of one partition, message by message: whether each is there that must be, and gone that a receipt says is destroyed.
struct BodyAudit: Sendable {
    private(set) var report = AuditReport()
    /// Bodies that are gone and of which no receipt says so. A purge that is under way explains them.
    private(set) var losses = AuditReport()
    /// By receipt: how many messages it destroyed.
    private(set) var destroyed: [Position: UInt64] = [:]
    /// What is sealed under which key.
    private(set) var holdings = HoldingGains()

    private let id: PartitionID
    private let place: String
    private let files: LogFiles
    private let law: PartitionAudit.Law
    /// By receipt; made once, since they are asked for each message.
    private var judgements: [Position: Judgement] = [:]

    /// - Parameter place: the file that the bodies lie in.
    init(_ id: PartitionID, in place: String, of files: LogFiles, under law: PartitionAudit.Law) {
        self.id = id
        self.place = place
        self.files = files
        self.law = law
    }

    /// - Parameters:
    ///   - stored: nil if there is none.
    ///   - keys: those that a body may be sealed under; nil: nobody knows.
    mutating func judge(_ row: TrailWalk.Row, stored: UnsafeRawBufferPointer?, among keys: Set<UInt64>?) {
        let send: Send
        let tenant: TenantID
        do {
            let event = try row.event()
            guard case .send(let found) = event.deed, let of = event.tenant else { return }
            (send, tenant) = (found, of)
        } catch {
            return note(.damaged, row.position, "the record cannot be read: \(error)")
        }
        let receipt = receipt(of: row, send, tenant)
        if let receipt { destroyed[receipt.receipt, default: 0] += 1 }
        guard let stored else {
            if receipt != nil { return report.purged += 1 }
            guard law.isWhole else { return report.unjudged += 1 }
            return lose(.tampered, row.position, "the body is gone, and no receipt says that it was destroyed")
        }
        guard let key = SealedBody.keyID(of: stored) else { return note(.damaged, row.position, "the body's bytes make no sense") }
        guard stored.count == StoredBody.overheadBytes + Int(send.bodyBytes) else {
            return note(.tampered, row.position, "the body is not as long as its record says")
        }
        if let receipt {
            guard isLeft(key, receipt, row.position) else { return }
        } else if law.destroyed.contains(key.rawValue) {
            guard law.isWhole else { return report.unjudged += 1 }
            // What stays is sealed under another key before its own is destroyed.
            let under = "the body is sealed under key \(key.rawValue), which a receipt says is destroyed, and it is none of those that"
            return lose(.tampered, row.position, "\(under) the receipt is about")
        } else if let keys, !keys.contains(key.rawValue) {
            return note(.tampered, row.position, "the body is sealed under key \(key.rawValue), which none of this partition is")
        } else {
            open(row, send, tenant, stored, key)
        }
        count(row, send, key)
    }

    /// The first receipt that destroyed a message, if there is one.
    private mutating func receipt(of row: TrailWalk.Row, _ send: Send, _ tenant: TenantID) -> PurgeBook.Settled? {
        for settled in law.rules.purges.receipts(of: id.number, tenant: tenant) {
            let judgement = judgements[settled.receipt] ?? Judgement(law.rules, of: settled)
            judgements[settled.receipt] = judgement
            let fate = judgement.fate(tenant, send.conversation, send.sender, at: row.fields.at, position: row.position)
            if fate == .due { return settled }
        }
        return nil
    }

    /// Whether a destroyed body is one whose sealed bytes are only not deleted yet.
    private mutating func isLeft(_ key: KeyID, _ receipt: PurgeBook.Settled, _ position: Position) -> Bool {
        let isNamed = law.keys[receipt.intent]?.contains(key.rawValue) ?? false
        guard isNamed || law.isWhole else {
            report.unjudged += 1
            return false
        }
        report.purged += 1
        guard isNamed else {
            note(
                .tampered, position,
                "the body is there, sealed under key \(key.rawValue), and the receipt \(receipt.receipt) says that it was destroyed")
            return false
        }
        report.unreclaimed += 1
        return true
    }

    private mutating func open(
        _ row: TrailWalk.Row, _ send: Send, _ tenant: TenantID, _ stored: UnsafeRawBufferPointer, _ key: KeyID
    ) {
        if let vault = law.vault, !vault.contains(key), isDying(row, send, tenant, key) {
            // The purge has come as far as that, and its receipt is still to be written.
            report.purged += 1
            return report.unreclaimed += 1
        }
        report.bodies += 1
        guard let vault = law.vault else { return }
        let opening = row.record.withUnsafeBytes { record in
            StoredBody.open(stored, of: send, at: row.position, record: record, with: vault)
        }
        switch opening {
        case .body: report.opened += 1
        case .gone: lose(.damaged, row.position, "the body's key is not in the keyring, and no receipt says that it was destroyed")
        case .damaged: note(.tampered, row.position, "the body is not the one that the record's commitment was made of")
        }
    }

    /// Whether a purge that has no receipt yet is about the message.
    private func isDying(_ row: TrailWalk.Row, _ send: Send, _ tenant: TenantID, _ key: KeyID) -> Bool {
        law.dying.contains { purge in
            purge.keys.contains(key.rawValue)
                && purge.judgement.fate(tenant, send.conversation, send.sender, at: row.fields.at, position: row.position) == .due
        }
    }

    private mutating func count(_ row: TrailWalk.Row, _ send: Send, _ key: KeyID) {
        guard law.isThorough else { return }
        let fields = row.fields
        let tenant = fields.tenant
        do {
            try row.record.withUnsafeBytes { record in
                try send.conversation.utf8.withUnsafeBytes { conversation in
                    try send.sender.utf8.withUnsafeBytes { sender in
                        let name = files.fingerprints.of(conversation, in: tenant.bytes(in: record))
                        try holdings.add(
                            key, tenant: tenant.bytes(in: record), name, conversation, sender: sender, at: fields.at,
                            bodyBytes: UInt64(send.bodyBytes), files.fingerprints)
                    }
                }
            }
        } catch { note(.damaged, row.position, "a name in the record makes no sense") }
    }

    private mutating func note(_ kind: AuditFinding.Kind, _ position: Position, _ sentence: String) {
        report.note(kind, position...position, in: place, sentence)
    }

    private mutating func lose(_ kind: AuditFinding.Kind, _ position: Position, _ sentence: String) {
        losses.note(kind, position...position, in: place, sentence)
    }
}

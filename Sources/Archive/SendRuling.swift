import Crypto
import Events
import Ledger
import Projections
import Vault

extension Appender {
    /// What becomes of a message that is of the right shape.
    func ruling(on draft: SendDraft, by principal: Principal, recorded: Instant) throws(ArchiveFailure) -> Verdict {
        if draft.messageID.count == 1, draft.messageID[0] == UInt8(ascii: "*") {
            return try rulingWithMadeID(on: draft, by: principal, recorded: recorded)
        }
        let message = core.store.fingerprints.of(draft.messageID, in: draft.tenant)
        switch try twin(of: draft, message, at: draft.at ?? recorded) {
        case .same(let position): return .present(position, effectiveAt: recorded)
        case .different(let position):
            return .refused(
                Refusal(.conflict, "this message-id is taken by the message at \(position), which differs in conversation, sender or body"))
        case nil: break
        }
        return try rulingOnNew(draft, message, by: principal, recorded: recorded)
    }

    private func rulingWithMadeID(
        on draft: SendDraft, by principal: Principal, recorded: Instant
    ) throws(ArchiveFailure) -> Verdict {
        try withUnsafeTemporaryAllocation(byteCount: MadeMessageID.byteCount, alignment: 8) { (text) throws(ArchiveFailure) in
            MadeMessageID.write(at: draft.at ?? recorded, entropy: &entropy, into: text)
            var made = draft
            made.messageID = UnsafeRawBufferPointer(text)
            let message = core.store.fingerprints.of(made.messageID, in: made.tenant)
            return try rulingOnNew(made, message, by: principal, recorded: recorded)
        }
    }

    private func rulingOnNew(
        _ draft: SendDraft, _ message: Fingerprint, by principal: Principal, recorded: Instant
    ) throws(ArchiveFailure) -> Verdict {
        let conversation = core.store.fingerprints.of(draft.conversation, in: draft.tenant)
        if let expected = draft.expected, let refusal = try refusal(of: draft, expecting: expected) { return .refused(refusal) }
        let position = try write(draft, message, conversation, by: principal, recorded: recorded)
        return .appended(position, effectiveAt: draft.at ?? recorded)
    }

    private func refusal(of draft: SendDraft, expecting expected: ExpectedPosition) throws(ArchiveFailure) -> Refusal? {
        do {
            let last = try lastEvent(of: ConversationID(checking: draft.conversation), in: TenantID(checking: draft.tenant))
            if last.map(ExpectedPosition.position) ?? .none == expected { return nil }
            return Refusal(.conflict, "the conversation's last event is \(last.map { "\($0)" } ?? "none"), not the expected one")
        } catch { throw ArchiveFailure(error) }
    }

    /// Salt, commitment, trail record and body, encoded and sealed straight into the batch.
    private func write(
        _ draft: SendDraft, _ message: Fingerprint, _ conversation: Fingerprint, by principal: Principal, recorded: Instant
    ) throws(ArchiveFailure) -> Position {
        let at = draft.at ?? recorded
        let position = batch.next
        let key = try keys.key(
            tenant: draft.tenant, conversation: draft.conversation, conversation, in: core.store.partition(of: at).number, under: rules,
            now: recorded)
        let prefix = batch.noncePrefix
        let header = TrailWriter.Header(
            kind: .send, position: position, at: at, imported: draft.at == nil ? nil : recorded, principal: principal)
        let keys = OpenBatch.Keys(kind: .send, at: at, conversation: conversation.rawValue, message: message.rawValue)
        let salt = entropy.salt()
        return withUnsafeBytes(of: salt) { salt in
            let commitment = StoredBody.commitment(salt: salt, body: draft.body)
            return append(
                keys, trailBytesMax: TrailWriter.sendBytesMax, bodyBytes: StoredBody.overheadBytes + draft.body.count,
                writeTrail: { writer in commitment.withUnsafeBytes { writer.send(draft, header, commitment: $0) } },
                writeBody: { stored, record in
                    StoredBody.write(salt: salt, body: draft.body, into: stored)
                    core.vault.seal(stored, under: key, noncePrefix: prefix, position: position, record: record)
                })
        }
    }
}

extension TrailWriter {
    /// The record of a `send`, field by field as `Event.encoded` writes it, but from borrowed bytes.
    mutating func send(_ draft: SendDraft, _ header: Header, commitment: UnsafeRawBufferPointer) {
        self.header(header, tenant: draft.tenant, hasClientTime: draft.clientTime != nil)
        text(draft.conversation)
        text(draft.sender)
        text(draft.messageID)
        text(draft.isPlainText ? UnsafeRawBufferPointer(start: nil, count: 0) : draft.contentType)
        varint(UInt64(draft.body.count))
        raw(commitment)
        if let clientTime = draft.clientTime { fixed(UInt64(bitPattern: clientTime.milliseconds)) }
    }
}

extension SendDraft {
    /// The default type said aloud is the default still: one meaning, one spelling in the trail.
    fileprivate var isPlainText: Bool {
        contentType.isEmpty || contentType.elementsEqual(ContentType.plainText.text.utf8)
    }
}

extension Entropy {
    /// 16 random bytes.
    mutating func salt() -> (UInt64, UInt64) {
        take(StoredBody.saltBytes) { ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) }
    }
}

extension Entropy {
    /// 4 random bytes.
    mutating func noncePrefix() -> UInt32 { take(4) { $0.loadUnaligned(as: UInt32.self) } }
}

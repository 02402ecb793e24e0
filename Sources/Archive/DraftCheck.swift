import Events

/// Whether a draft is of the right shape: pure, and the same for every door. A sentence begins with the argument's name.
enum DraftCheck {
    static func fault(of draft: SendDraft, bodyBytesMax: Int) -> Refusal? {
        if let fault = NameFault.find(in: draft.tenant) { return refusal("tenant", fault) }
        if let fault = NameFault.find(in: draft.conversation) { return refusal("conversation", fault) }
        if let fault = NameFault.find(in: draft.sender) { return refusal("sender", fault) }
        if let fault = NameFault.find(in: draft.messageID) { return refusal("message-id", fault) }
        if draft.body.count > bodyBytesMax {
            return Refusal(.tooLong, "body has \(draft.body.count) bytes; at most \(bodyBytesMax) are allowed")
        }
        if !draft.contentType.isEmpty, !ContentType.isValid(draft.contentType) {
            return Refusal(.badArgument, "type is no media type such as image/png (printable ASCII, at most \(ContentType.bytesMax) bytes)")
        }
        if let clientTime = draft.clientTime, !clientTime.isWritable {
            return Refusal(.badArgument, "client-time is not a moment between 1970 and 9999")
        }
        return nil
    }

    static func refusal(_ argument: String, _ fault: NameFault) -> Refusal {
        Refusal(.badArgument, "\(argument) \(fault.explanation)")
    }

    /// An import may bring any time that is over.
    static func fault(ofTime at: Instant?, recorded: Instant) -> Refusal? {
        guard let at else { return nil }
        if !at.isWritable { return Refusal(.badArgument, "at is not a moment between 1970 and 9999") }
        if at > recorded { return Refusal(.badArgument, "at lies in the future (\(at)); an import brings what has happened") }
        return nil
    }

    static func fault(of reason: String) -> Refusal? {
        if reason.isEmpty { return Refusal(.badArgument, "reason is empty; say why") }
        if reason.utf8.count > RetentionChange.reasonBytesMax {
            return Refusal(.badArgument, "reason has \(reason.utf8.count) bytes; at most \(RetentionChange.reasonBytesMax) are allowed")
        }
        return nil
    }
}

/// What changes a rule.
extension DraftCheck {
    static func fault(of draft: RuleDraft, recorded: Instant) -> Refusal? {
        switch draft {
        case .retention(let draft): fault(ofTime: draft.at, recorded: recorded) ?? fault(of: draft.reason)
        case .cancel(let draft): fault(of: draft.reason)
        case .place(let hold): fault(of: hold.reason) ?? fault(ofMatter: hold.matter) ?? fault(of: hold.coverage)
        case .release(let draft): fault(of: draft.reason)
        case .confirmClock(let reason): fault(of: reason)
        }
    }

    private static func fault(ofMatter matter: String) -> Refusal? {
        if (1...HoldPlace.matterBytesMax).contains(matter.utf8.count) { return nil }
        return Refusal(.badArgument, "matter has \(matter.utf8.count) bytes; 1 to \(HoldPlace.matterBytesMax) are allowed")
    }

    static func fault(of coverage: Coverage) -> Refusal? {
        if coverage.tenant == nil, coverage.conversation != nil || coverage.sender != nil {
            return Refusal(.badArgument, "CONVERSATION and SENDER need a TENANT, since each tenant has its own")
        }
        if let from = coverage.from, let until = coverage.until, from >= until {
            return Refusal(.badArgument, "UNTIL must be later than FROM; nothing lies between \(from) and \(until)")
        }
        for time in [coverage.from, coverage.until] {
            if let time, !time.isWritable { return Refusal(.badArgument, "FROM and UNTIL must be moments between 1970 and 9999") }
        }
        return nil
    }
}

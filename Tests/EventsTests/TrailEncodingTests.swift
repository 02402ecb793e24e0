import Events
import TestSupport
import Testing

@Suite("TrailEncoding")
struct TrailEncodingTests {
    @Test("an event has the bytes that version 1 gave it", arguments: GoldenRecord.all)
    func encodes(_ golden: GoldenRecord) {
        #expect(golden.event.encoded() == golden.bytes)
    }

    @Test("version 1's bytes are the event that they were", arguments: GoldenRecord.all)
    func decodes(_ golden: GoldenRecord) throws {
        #expect(try Event(decoding: golden.bytes) == golden.event)
    }

    @Test("the golden records leave out no kind, no rule, no scope, no extent, no target and no outcome")
    func goldenAreComplete() {
        let seen = GoldenRecord.all.reduce(into: Set<String>()) { $0.formUnion($1.event.deed.marks.union([$1.event.kind.word])) }
        #expect(
            seen.isSuperset(of: [
                "up to", "messages", "d", "w", "mo", "y", "forever", "inherit", "SYSTEM", "TENANT", "TENANT-CONVERSATION", "policy",
                "floor",
                "locked", "SYSTEM-FROM", "TENANT-CONVERSATION-SENDER-FROM-UNTIL", "TENANT-SENDER", "TENANT-UNTIL", "expired", "before",
                "destroyed", "withdrawn", "message-history", "conversation", "message id", "range",
            ]))
        #expect(seen.isSuperset(of: EventKind.allCases.map(\.word)))
    }

    @Test("any event comes back from its bytes as it was, and its bytes from it")
    func roundTrips() throws {
        var random = SeededRandom(for: "trail encoding round trips")
        for _ in 0..<5_000 {
            let event = random.event()
            let bytes = event.encoded()
            let decoded = try Event(decoding: bytes)
            #expect(decoded == event)
            #expect(decoded.encoded() == bytes)
        }
    }

    @Test("the longest send there can be fits into the room that is promised for one")
    func longestSend() throws {
        let name = String(repeating: "n", count: NameFault.bytesMax)
        let event = Event(
            position: .last, at: .distantFuture, imported: .distantFuture, principal: .user(.max), tenant: try TenantID(name),
            deed: .send(
                Send(
                    conversation: try ConversationID(name), sender: try UserID(name), messageID: try MessageID(name),
                    contentType: ContentType(text: "x/" + name.dropLast(2)), bodyBytes: .max, commitment: .counting,
                    clientTime: .distantFuture)))
        let bytes = event.encoded()
        #expect(bytes.count <= TrailWriter.sendBytesMax)
        #expect(try Event(decoding: bytes) == event)
    }

    @Test("the longest local delete there can be comes back")
    func longestLocalDelete() throws {
        let id = try MessageID(String(repeating: "n", count: NameFault.bytesMax))
        let targets = Array(repeating: LocalDelete.Target(position: .last, messageID: id), count: LocalDelete.targetsMax)
        let event = Event(
            position: .last, at: .distantFuture, imported: .distantFuture, principal: .user(.max), tenant: "acme",
            deed: .localDelete(LocalDelete(conversation: "general", viewer: "bob", extent: .messages(targets))))
        #expect(try Event(decoding: event.encoded()) == event)
        #expect(event.encoded().count < 65_000, "an entry bundle holds it")
    }

    @Test("the longest reason there can be comes back, and one that is empty")
    func reasons() throws {
        var random = SeededRandom(for: "reasons")
        for reason in ["", String(repeating: "理", count: 341) + "x"] {
            var change = random.retentionChange()
            change.reason = reason
            let event = Event(
                position: .first, at: .distantPast, principal: .system, tenant: change.scope.tenant, deed: .retentionChange(change))
            #expect(try Event(decoding: event.encoded()) == event)
        }
    }

    @Test("the largest intent there can be comes back")
    func largestIntent() throws {
        let tenant = try TenantID(String(repeating: "n", count: NameFault.bytesMax))
        let lines = (0..<PurgeIntent.linesMax).map { index in
            PurgeLine(
                partition: Int32(index) - 4096, tenant: tenant, keys: [UInt64.max - 1, .max], messages: PurgeLine.countMax,
                conversations: PurgeLine.countMax, bytes: PurgeLine.countMax)
        }
        let coverage = Coverage(
            tenant: tenant, conversation: try Name(tenant.utf8), sender: try Name(tenant.utf8), from: .distantPast, until: .distantFuture)
        let most = UInt64(Int64.max)
        let intent = PurgeIntent(
            coverage: coverage, basis: .before(.distantFuture), horizonPosition: .last, horizonTime: .distantFuture, rules: .last,
            held: most, floored: most, locked: most, lines: lines, digest: Commitment.counting.bytes)
        let event = Event(
            position: .last, at: .distantFuture, imported: .distantFuture, principal: .user(.max), tenant: tenant,
            deed: .purgeIntent(intent))
        #expect(try Event(decoding: event.encoded()) == event)
        #expect(intent.messages == 1 << 61)
        #expect(intent.keyCount == 16_384)
    }

    @Test("the longest hold there can be comes back")
    func longestHold() throws {
        let name = String(repeating: "n", count: NameFault.bytesMax)
        let coverage = Coverage(
            tenant: try Name(name), conversation: try Name(name), sender: try Name(name), from: .distantPast, until: .distantFuture)
        let hold = HoldPlace(
            id: try Name(name), coverage: coverage, matter: String(repeating: "m", count: HoldPlace.matterBytesMax),
            reason: String(repeating: "r", count: HoldPlace.reasonBytesMax))
        let event = Event(
            position: .last, at: .distantFuture, imported: .distantFuture, principal: .user(.max), tenant: coverage.tenant,
            deed: .holdPlace(hold))
        #expect(try Event(decoding: event.encoded()) == event)
    }

    @Test("the longest reading there can be comes back")
    func longestAccess() throws {
        let name = String(repeating: "n", count: NameFault.bytesMax)
        let access = Access(
            .messageHistory, conversation: try Name(name), messageID: try Name(name), range: .last ... .last, bodies: UInt64(Int64.max),
            reason: String(repeating: "理", count: 341) + "x")
        let event = Event(
            position: .last, at: .distantFuture, imported: .distantFuture, principal: .user(.max), tenant: try TenantID(name),
            deed: .access(access))
        #expect(access.reason.utf8.count == Access.reasonBytesMax)
        #expect(try Event(decoding: event.encoded()) == event)
    }

    @Test("names that look alike but differ in bytes stay different")
    func keepsSpelling() throws {
        let composed = "caf\u{E9}"
        let decomposed = "cafe\u{301}"
        var event = GoldenRecord.sends[0].event
        event.tenant = try TenantID(composed)
        let one = event.encoded()
        event.tenant = try TenantID(decomposed)
        let other = event.encoded()
        #expect(one != other)
        #expect(try Event(decoding: one).tenant != Event(decoding: other).tenant)
    }
}

extension Event.Deed {
    /// What of the format's branches the event goes through.
    fileprivate var marks: Set<String> {
        switch self {
        case .send, .clockConfirm, .partitionRemove: []
        case .localDelete(let deletion): if case .upTo = deletion.extent { ["up to"] } else { ["messages"] }
        case .retentionChange(let change):
            [
                "\(change.rule)".filter { !("0"..."9").contains($0) }, Self.keywords(of: change.scope), change.target.word,
                change.isLocked ? "locked" : "not locked",
            ]
        case .retentionCancel(let cancel): [Self.keywords(of: cancel.scope)]
        case .holdPlace(let hold): [Self.keywords(of: hold.coverage)]
        case .holdRelease(let release): [Self.keywords(of: release.coverage)]
        case .purgeIntent(let intent): [Self.keywords(of: intent.coverage), intent.basis.word]
        case .purge(let purge): [purge.outcome.word]
        case .access(let access):
            Set(
                [access.question.word] + (access.conversation == nil ? [] : ["conversation"])
                    + (access.messageID == nil ? [] : ["message id"]) + (access.range == nil ? [] : ["range"]))
        }
    }

    private static func keywords(of what: some CustomStringConvertible) -> String {
        what.description.split(separator: " ").filter { $0.allSatisfy(\.isUppercase) }.joined(separator: "-")
    }
}

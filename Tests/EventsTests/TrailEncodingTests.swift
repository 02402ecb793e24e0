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

    @Test("the golden records leave out no kind, no rule, no scope and no extent")
    func goldenAreComplete() {
        var seen: Set<String> = []
        for golden in GoldenRecord.all {
            seen.insert(golden.event.kind.word)
            switch golden.event.deed {
            case .send: break
            case .localDelete(let deletion):
                if case .upTo = deletion.extent { seen.insert("up to") } else { seen.insert("messages") }
            case .retentionChange(let change):
                seen.insert("\(change.rule)".filter { !("0"..."9").contains($0) })
                seen.insert("\(change.scope)".split(separator: " ").filter { $0.allSatisfy(\.isUppercase) }.joined(separator: "-"))
            }
        }
        #expect(
            seen == [
                "send", "local-delete", "retention-change", "up to", "messages", "d", "w", "mo", "y", "forever", "inherit",
                "SYSTEM", "TENANT", "TENANT-CONVERSATION",
            ])
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

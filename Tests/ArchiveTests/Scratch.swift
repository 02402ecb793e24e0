import Events
import FoundationEssentials
import Journal
import Ledger
import Synchronization
import TestSupport
import Testing

@testable import Archive

/// An archive in a folder of its own, with a clock that the test sets.
final class Scratch {
    let path: String
    let clock: TestClock
    private var opened: (archive: Archive, appender: Appender)?
    private var options: ArchiveOptions
    private var tickets: UInt64 = 0
    // Last, so that the archive is closed before its folder is removed.
    private let folder: TemporaryFolder

    static let start = Instant(milliseconds: 1_795_416_138_000)  // 2026-11-23T06:42:18Z

    init(inMemory isInMemory: Bool = false, _ change: (inout ArchiveOptions) throws -> Void = { _ in }) throws {
        folder = isInMemory ? try .inMemory() : try TemporaryFolder()
        path = folder.file("archive")
        clock = TestClock(Self.start)
        options = ArchiveOptions(path: path)
        options.journal = JournalOptions(segmentBytes: 512 << 10, segments: 2)
        options.batchBytesMax = 128 << 10
        options.mapBytes = 1 << 30
        options.diskReserveBytes = 0
        options.coolOffMilliseconds = 0
        try change(&options)
        try open()
    }

    var isOpen: Bool { opened != nil }
    var archive: Archive { opened.unsafelyUnwrapped.archive }
    var appender: Appender { opened.unsafelyUnwrapped.appender }

    deinit {
        if opened != nil { do { try close() } catch { Issue.record(error) } }
        do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record(error) }
    }

    /// Closes as a daemon does, and opens again.
    func reopen() throws {
        try close()
        try open()
    }

    /// Copies the folder as a crash would leave it, and goes on in the copy: nothing was closed or folded for it.
    ///
    /// Only while the fold rests: a copy of files that are being written is of no moment. (Tests that kill the real
    /// daemon have no such rule.)
    func crash(in other: (String) throws -> Void = { _ in }) throws {
        let copy = path + "-crashed"
        archive.errands?.settle()
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        try close()
        try FileManager.default.removeItem(atPath: path)
        try other(copy)
        try FileManager.default.moveItem(atPath: copy, toPath: path)
        try open()
    }

    func close() throws {
        let (archive, appender) = try #require(opened)
        opened = nil
        try archive.close(appender)
    }

    func open() throws {
        let clock = clock
        opened = try Archive.open(options) { clock.now }
    }

    /// Counts from the next opening on.
    func change(_ change: (inout ArchiveOptions) -> Void) { change(&options) }

    @discardableResult
    func rebuild() throws -> Int {
        var events = 0
        try Rebuild(of: options).run { events = $0.events }
        return events
    }

    /// Lets upkeep append, on this test's own thread: nothing happens at the same time.
    func lendAppender() {
        // Safe, because upkeep's thread is never started here: whoever ticks it is on the thread of the appender.
        nonisolated(unsafe) let appender = appender
        archive.upkeep.attach { work in work(appender) }
    }

    // MARK: Appending

    struct Post {
        var tenant = "acme"
        var conversation = "general"
        var sender = "ann"
        var id: String
        var body = "hello"
        var at: Instant?
        var expected: ExpectedPosition?
        var type = ""
        var clientTime: Instant?

        init(_ id: String) { self.id = id }
        func with(_ change: (inout Post) -> Void) -> Post {
            var copy = self
            change(&copy)
            return copy
        }
    }

    @discardableResult
    func send(_ post: Post) -> Verdict { send([post])[0] }

    /// All in one batch.
    @discardableResult
    func send(_ posts: [Post]) -> [Verdict] {
        for post in posts { admit(post) }
        return commit()
    }

    func admit(_ post: Post) {
        let texts = [post.tenant, post.conversation, post.sender, post.id, post.body, post.type].map { Array($0.utf8) }
        Self.withBuffers(texts) { bytes in
            let draft = SendDraft(
                tenant: bytes[0], conversation: bytes[1], sender: bytes[2], messageID: bytes[3], body: bytes[4],
                contentType: bytes[5], clientTime: post.clientTime, expected: post.expected, at: post.at)
            appender.send(draft, by: .user(1000), ticket: nextTicket(), now: clock.now)
        }
    }

    static func withBuffers(_ texts: [[UInt8]], _ found: [UnsafeRawBufferPointer] = [], _ body: ([UnsafeRawBufferPointer]) -> Void) {
        guard found.count < texts.count else { return body(found) }
        texts[found.count].withUnsafeBytes { withBuffers(texts, found + [$0], body) }
    }

    func delete(
        _ ids: [String], viewer: String, conversation: String = "general", tenant: String = "acme", at: Instant? = nil
    ) throws -> Verdict {
        let draft = LocalDeleteDraft(
            tenant: try TenantID(tenant), conversation: try ConversationID(conversation), viewer: try UserID(viewer),
            extent: .messages(try ids.map { try MessageID($0) }), at: at)
        appender.localDelete(draft, by: .user(1000), ticket: nextTicket(), now: clock.now)
        return commit()[0]
    }

    func clear(upTo position: Position, viewer: String, conversation: String = "general", tenant: String = "acme") throws -> Verdict {
        let draft = LocalDeleteDraft(
            tenant: try TenantID(tenant), conversation: try ConversationID(conversation), viewer: try UserID(viewer),
            extent: .upTo(position))
        appender.localDelete(draft, by: .user(1000), ticket: nextTicket(), now: clock.now)
        return commit()[0]
    }

    func keep(_ scope: Scope, _ period: String, at: Instant? = nil) throws -> Verdict {
        let wanted = try #require(RetentionChange.Rule(text: period))
        let draft = RetentionDraft(scope: scope, rule: wanted, reason: "because", at: at)
        return rule(.retention(draft))
    }

    /// A change of the rules.
    @discardableResult
    func rule(_ draft: RuleDraft) -> Verdict {
        appender.rule(draft, by: .user(0), ticket: nextTicket(), now: clock.now)
        return commit()[0]
    }

    /// What an auditor is shown of a message, and what became of his reading; nil if there is no such message.
    func read(
        _ id: String, tenant: String = "acme", reason: String = "case 7"
    ) throws -> (history: MessageHistory, verdict: Verdict)? {
        guard let history = try archive.history(tenant: try TenantID(tenant), id: try MessageID(id)) else { return nil }
        appender.access(history.access(reason: reason), by: .user(1001), ticket: nextTicket(), now: clock.now)
        return (history, commit()[0])
    }

    func commit() -> [Verdict] {
        var verdicts: [Verdict] = []
        appender.commit { _, verdict in verdicts.append(verdict) }
        return verdicts
    }

    private func nextTicket() -> Ticket {
        tickets += 1
        return Ticket(tickets)
    }

    // MARK: Reading

    func page(
        viewer: String = "bob", conversation: String = "general", tenant: String = "acme", from: TimelineQuestion.Start = .end,
        count: Int = 50, asOf: AsOf = .now
    ) throws -> TimelinePage {
        let question = TimelineQuestion(
            tenant: try TenantID(tenant), conversation: try ConversationID(conversation), viewer: try UserID(viewer), from: from,
            count: count, asOf: asOf)
        return try archive.timeline(question).get()
    }

    func ids(viewer: String = "bob", conversation: String = "general", tenant: String = "acme", asOf: AsOf = .now) throws -> [String] {
        try page(viewer: viewer, conversation: conversation, tenant: tenant, count: 1000, asOf: asOf).messages.map(\.id.text)
    }

    func message(_ id: String, viewer: String? = nil, asOf: AsOf = .now, tenant: String = "acme") throws -> Message? {
        let question = MessageQuestion(
            tenant: try TenantID(tenant), id: try MessageID(id), viewer: try viewer.map { try UserID($0) }, asOf: asOf)
        return try archive.message(question).get()
    }

    func allEvents() throws -> [Event] {
        var events: [Event] = []
        var next = Position.first
        while true {
            let page = try archive.events(EventsQuestion(from: next, count: 700))
            if page.events.isEmpty { return events }
            events += page.events
            next = page.next
        }
    }
}

final class TestClock: Sendable {
    private let instant: Mutex<Instant>
    init(_ instant: Instant) { self.instant = Mutex(instant) }
    var now: Instant { instant.withLock { $0 } }
    func advance(days: Int64 = 0, milliseconds: Int64 = 0) {
        instant.withLock { $0 = $0.advanced(byMilliseconds: days * Instant.millisecondsPerDay + milliseconds) }
    }
    func set(_ time: Instant) { instant.withLock { $0 = time } }
}

extension Verdict {
    var position: Position? {
        switch self {
        case .appended(let position, _), .present(let position, _): position
        case .refused: nil
        }
    }
    var isAppended: Bool { if case .appended = self { true } else { false } }
    var isPresent: Bool { if case .present = self { true } else { false } }
    var code: Refusal.Code? { if case .refused(let refusal) = self { refusal.code } else { nil } }
}

package import Events
package import LMDB

/// Who hid what from himself. Two tables of the state file:
///
/// - `hides`: message's position, viewer → position and time of the delete. The first delete of a viewer counts.
/// - `clears`: tenant, conversation, viewer, position of the delete → up to which position, time of the delete.
package struct LocalDeletes: Sendable {
    static let tableNames = ["hides", "clears"]
    private let hides: Table
    private let clears: Table
    private let path: String

    init(in environment: Environment) {
        hides = environment.table(named: "hides")
        clears = environment.table(named: "clears")
        path = environment.path
    }

    /// The event by which something was hidden.
    package struct Cause: Hashable, Sendable {
        package var position: Position
        package var at: Instant

        package init(position: Position, at: Instant) {
            self.position = position
            self.at = at
        }
    }

    /// A cleared history.
    package struct Clear: Hashable, Sendable {
        package var upTo: Position
        package var cause: Cause

        package init(upTo: Position, cause: Cause) {
            self.upTo = upTo
            self.cause = cause
        }
    }

    package func apply(
        _ deletion: LocalDelete, tenant: TenantID, cause: Cause, _ transaction: inout WriteTransaction
    ) throws(LMDBError) {
        let time = UInt64(bitPattern: cause.at.milliseconds).bigEndian
        switch deletion.extent {
        case .messages(let targets):
            let value: Words<2> = [cause.position.rawValue.bigEndian, time]
            for target in targets {
                let key = Self.hideKey(target.position, deletion.viewer)
                // The earlier position wins, in whatever order they come: a rebuild goes by partition, not by position.
                let before = try transaction.lend(key.bytes.span.bytes, in: hides) { $0.word(0) } ?? nil
                if let before, before < cause.position.rawValue { continue }
                try transaction.put(value.span.bytes, for: key.bytes.span.bytes, in: hides)
            }
        case .upTo(let position):
            var key = NamedKey(tenant, deletion.conversation)
            key.append(deletion.viewer.utf8)
            key.append(cause.position.rawValue)
            let value: Words<2> = [position.rawValue.bigEndian, time]
            try transaction.put(value.span.bytes, for: key.bytes.span.bytes, in: clears)
        }
    }

    /// Forgets who hid messages of these positions one by one: they have left the log.
    package func forgetHides(of messages: ClosedRange<Position>, _ transaction: inout WriteTransaction) throws(LMDBError) {
        while true {
            let slice = try Self.keys(in: hides, of: messages, transaction.reader)
            for key in slice { _ = try transaction.delete(key.span.bytes, in: hides) }
            if slice.count < Self.sliceMax { return }
        }
    }

    private static let sliceMax = 1000

    private static func keys(in table: Table, of messages: ClosedRange<Position>, _ reader: Reader) throws(LMDBError) -> [[UInt8]] {
        var cursor = try reader.cursor(in: table)
        var found: [[UInt8]] = []
        var isThere = try cursor.seek(atLeast: NamedKey(messages.lowerBound).bytes.span.bytes)
        while isThere, found.count < sliceMax, let position = cursor.key.word(0), position <= messages.upperBound.rawValue {
            found.append(cursor.key.withUnsafeBytes { [UInt8]($0) })
            isThere = try cursor.next()
        }
        return found
    }

    /// Forgets a cleared history, whose event has left the log.
    func forgetClear(_ clear: Departure.Clear, _ transaction: inout WriteTransaction) throws(LMDBError) {
        var key = NamedKey(clear.tenant, clear.conversation)
        key.append(clear.viewer.utf8)
        key.append(clear.position.rawValue)
        _ = try transaction.delete(key.bytes.span.bytes, in: clears)
    }

    /// By which event a viewer hid a message, if he did one by one.
    package func hide(of message: Position, by viewer: UserID, _ reader: Reader) throws(ProjectionFailure) -> Cause? {
        let key = Self.hideKey(message, viewer)
        let found = try onStore { () throws(LMDBError) in
            try reader.lend(key.bytes.span.bytes, in: hides) { ($0.word(0), $0.instant(1)) }
        }
        guard let found else { return nil }
        guard let position = found.0, let at = found.1 else { throw .damaged(path: path, table: "hides") }
        return Cause(position: Position(position), at: at)
    }

    /// The events by which anyone hid a message one by one.
    package func hides(of message: Position, _ reader: Reader) throws(LMDBError) -> [Position] {
        let prefix = NamedKey(message).bytes
        var cursor = try reader.cursor(in: hides)
        var found: [Position] = []
        var isThere = try cursor.seek(atLeast: prefix.span.bytes)
        while isThere, cursor.key.starts(with: prefix) {
            if let position = cursor.value.word(0) { found.append(Position(position)) }
            isThere = try cursor.next()
        }
        return found
    }

    /// Who hid a message one by one, and by which event.
    package func hiders(of message: Position, _ reader: Reader) throws(ProjectionFailure) -> [(viewer: UserID, cause: Cause)] {
        try viewers(in: hides, behind: NamedKey(message).bytes, reader) { _, value in
            guard let position = value.word(0), let at = value.instant(1) else { return nil }
            return Cause(position: Position(position), at: at)
        }.map { ($0, $1) }
    }

    /// The first message from a position on that anyone has hidden one by one; nil if there is none.
    package func firstHidden(atLeast position: Position, _ reader: Reader) throws(LMDBError) -> Position? {
        var cursor = try reader.cursor(in: hides)
        guard try cursor.seek(atLeast: NamedKey(position).bytes.span.bytes), let found = cursor.key.word(0) else { return nil }
        return Position(found)
    }

    /// Who cleared his history of a conversation, and how far.
    package func clearers(
        _ tenant: TenantID, _ conversation: ConversationID, _ reader: Reader
    ) throws(ProjectionFailure) -> [(viewer: UserID, clear: Clear)] {
        try viewers(in: clears, behind: NamedKey(tenant, conversation).bytes, reader) { Self.clear($0, $1) }.map { ($0, $1) }
    }

    /// What rows say whose keys go on with a viewer.
    private func viewers<Value>(
        in table: Table, behind prefix: [UInt8], _ reader: Reader, _ value: (RawSpan, RawSpan) -> Value?
    ) throws(ProjectionFailure) -> [(UserID, Value)] {
        let found = try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            var found: [(name: [UInt8], value: Value?)] = []
            var isThere = try cursor.seek(atLeast: prefix.span.bytes)
            while isThere, cursor.key.starts(with: prefix) {
                let name = cursor.key.withUnsafeBytes { key in [UInt8](key[prefix.count...].prefix { $0 != 0 }) }
                found.append((name, value(cursor.key, cursor.value)))
                isThere = try cursor.next()
            }
            return found
        }
        return try found.map { (row) throws(ProjectionFailure) in
            guard let value = row.value, let viewer = Self.viewer(row.name) else {
                throw .damaged(path: path, table: table == hides ? "hides" : "clears")
            }
            return (viewer, value)
        }
    }

    private static func viewer(_ name: [UInt8]) -> UserID? {
        do { return try UserID(name) } catch { return nil }
    }

    /// A viewer's last clear of a conversation that is `wanted`. From one clear to the next, position and reach both grow.
    package func lastClear(
        _ tenant: TenantID, _ conversation: ConversationID, by viewer: UserID, _ reader: Reader, where wanted: (Clear) -> Bool
    ) throws(ProjectionFailure) -> Clear? {
        var prefix = NamedKey(tenant, conversation)
        prefix.append(viewer.utf8)
        var end = prefix
        end.append(.max)
        end.append(.max)  // Behind every position, the greatest too.
        let table = clears
        let found: (isSound: Bool, clear: Clear?) = try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: table)
            var isThere = try cursor.seek(below: end.bytes.span.bytes)
            while isThere, cursor.key.starts(with: prefix.bytes) {
                guard let clear = Self.clear(cursor.key, cursor.value) else { return (false, nil) }
                if wanted(clear) { return (true, clear) }
                isThere = try cursor.previous()
            }
            return (true, nil)
        }
        guard found.isSound else { throw .damaged(path: path, table: "clears") }
        return found.clear
    }

    /// How anyone cleared his history of a conversation.
    package func clears(
        _ tenant: TenantID, _ conversation: ConversationID, _ reader: Reader
    ) throws(ProjectionFailure) -> [Clear] {
        let prefix = NamedKey(tenant, conversation)
        let found = try onStore { () throws(LMDBError) in
            var cursor = try reader.cursor(in: clears)
            var found: [Clear?] = []
            var isThere = try cursor.seek(atLeast: prefix.bytes.span.bytes)
            while isThere, cursor.key.starts(with: prefix.bytes) {
                found.append(Self.clear(cursor.key, cursor.value))
                isThere = try cursor.next()
            }
            return found
        }
        let whole = found.compactMap { $0 }
        guard whole.count == found.count else { throw .damaged(path: path, table: "clears") }
        return whole
    }

    private static func clear(_ key: RawSpan, _ value: RawSpan) -> Clear? {
        guard let position = key.word(atByte: key.byteCount - 8), let upTo = value.word(0), let at = value.instant(1) else { return nil }
        return Clear(upTo: Position(upTo), cause: Cause(position: Position(position), at: at))
    }

    private static func hideKey(_ message: Position, _ viewer: UserID) -> NamedKey {
        var key = NamedKey(message)
        key.append(viewer.utf8)
        return key
    }
}

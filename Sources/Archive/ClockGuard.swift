package import Events

/// Readings of two clocks at one moment: the wall's, which somebody may set, and one that only goes on.
package struct ClockReading: Hashable, Sendable {
    package var wall: Instant
    /// Milliseconds since this machine was started, sleep included.
    package var steadyMilliseconds: Int64
    /// Which start of the machine that was.
    package var boot: String

    /// Where the system does not tell.
    package static let unknownBoot = "unknown"

    package init(wall: Instant, steadyMilliseconds: Int64, boot: String) {
        self.wall = wall
        self.steadyMilliseconds = steadyMilliseconds
        self.boot = boot
    }
}

/// An operator said that the clock is right: where in the log, and what both clocks said then.
struct ClockConfirmation: Hashable, Sendable {
    var position: Position
    var reading: ClockReading
}

/// Tells whether the wall clock may be believed when it says that something has expired. Pure.
///
/// Since the first reading of one start of the machine, or since an operator last said that the wall clock is right, both clocks must have gone
/// on alike: many small steps are as far as a large one. Across a restart of the machine, or without an
/// earlier reading, the wall clock must be close to what was last read, or to the log's last event: what lies between may be a weekend
/// without power, or a clock that was set, and only an operator knows.
struct ClockGuard: Hashable, Sendable {
    var last: ClockReading?
    /// What all later readings of the same start of the machine are measured by. Nil: by the last one.
    private(set) var anchor: ClockReading?
    /// Why the clock is not believed, once it is not: only an operator ends that.
    var doubt: String?
    /// The last confirmation of the log that is heard of. Nil if nobody says.
    private(set) var confirmed: Position?
    var toleranceMilliseconds: Int64

    /// What stands for the start of the machine where only the log tells of a reading.
    private static let bootOfTheLog = "log"

    init(last: ClockReading? = nil, doubt: String? = nil, confirmed: Position? = nil, toleranceMilliseconds: Int64) {
        self.last = last
        self.doubt = doubt
        self.confirmed = confirmed
        self.toleranceMilliseconds = toleranceMilliseconds
    }

    var isTrusted: Bool { doubt == nil }

    /// Takes a reading. `recorded` is the server's time of the log's last event; nil for an empty log.
    mutating func take(_ reading: ClockReading, recorded: Instant?) {
        if doubt == nil { doubt = doubt(about: reading, recorded: recorded) }
        let isOfThisStart = anchor.map { $0.boot == reading.boot && $0.steadyMilliseconds <= reading.steadyMilliseconds } ?? false
        if !isOfThisStart { anchor = last.map { $0.boot == reading.boot ? $0 : reading } ?? reading }
        last = reading
    }

    private func doubt(about reading: ClockReading, recorded: Instant?) -> String? {
        if let recorded, recorded.milliseconds - reading.wall.milliseconds > toleranceMilliseconds {
            return "the wall clock says \(reading.wall), and the log's last event is of \(recorded)"
        }
        guard let last else {
            guard let recorded, reading.wall.milliseconds - recorded.milliseconds > toleranceMilliseconds else { return nil }
            return "the wall clock says \(reading.wall), the log's last event is of \(recorded), and nothing tells what was in between"
        }
        let wall = reading.wall.milliseconds - last.wall.milliseconds
        guard reading.boot == last.boot, reading.steadyMilliseconds >= last.steadyMilliseconds else {
            if abs(wall) <= toleranceMilliseconds { return nil }
            if last.boot == Self.bootOfTheLog {
                return "the wall clock says \(reading.wall), it was confirmed at \(last.wall), and nothing tells what was in between"
            }
            return "the machine was started anew, and the wall clock says \(reading.wall) after \(last.wall)"
        }
        return doubt(about: reading, since: last) ?? anchor.flatMap { $0.boot == reading.boot ? doubt(about: reading, since: $0) : nil }
    }

    /// Of two readings of one start of the machine.
    private func doubt(about reading: ClockReading, since earlier: ClockReading) -> String? {
        let wall = reading.wall.milliseconds - earlier.wall.milliseconds
        let steady = reading.steadyMilliseconds - earlier.steadyMilliseconds
        if abs(wall - steady) <= toleranceMilliseconds { return nil }
        return "the wall clock went from \(earlier.wall) to \(reading.wall) while \(steady / 1000) s passed"
    }

    /// An operator says that the clock is right.
    mutating func confirm(_ reading: ClockReading, at position: Position) {
        doubt = nil
        last = reading
        anchor = reading.boot == Self.bootOfTheLog ? nil : reading
        confirmed = position
    }

    /// Whether a note of it says more than that of an earlier one. Each is synced, and holds up the appends; half a minute less is nothing
    /// beside what the guard tolerates.
    func isWorthNoting(behind noted: ClockGuard) -> Bool {
        guard noted.doubt == doubt, noted.confirmed == confirmed, noted.anchor == anchor, let before = noted.last, let last,
            before.boot == last.boot
        else {
            return true
        }
        return abs(last.steadyMilliseconds - before.steadyMilliseconds) >= Self.notingMilliseconds
            || abs(last.wall.milliseconds - before.wall.milliseconds) >= Self.notingMilliseconds
    }

    private static let notingMilliseconds: Int64 = 30_000

    /// Takes what the log's last confirmation says. One that the note has not was noted by nobody before a crash: the clock is right that
    /// is close to that of then. Of a note that says of none it is taken that it had heard of all.
    mutating func hear(of last: (position: Position, wall: Instant)?) {
        guard let confirmed else {
            confirmed = last?.position ?? Position.none
            return
        }
        guard let last, last.position > confirmed else { return }
        confirm(ClockReading(wall: last.wall, steadyMilliseconds: 0, boot: Self.bootOfTheLog), at: last.position)
    }
}

extension ClockGuard {
    /// As it is kept in the data folder: one line each.
    var text: String {
        var lines = ["annals-clock 1"]
        if let last { lines.append("read \(last.wall.milliseconds) \(last.steadyMilliseconds) \(last.boot)") }
        if let anchor { lines.append("anchor \(anchor.wall.milliseconds) \(anchor.steadyMilliseconds) \(anchor.boot)") }
        if let confirmed { lines.append("confirmed \(confirmed.rawValue)") }
        if let doubt { lines.append("doubt \(doubt)") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What was kept; an unreadable note is no reading at all.
    init(text: String, toleranceMilliseconds: Int64) {
        self.init(toleranceMilliseconds: toleranceMilliseconds)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.first == "doubt" { doubt = String(line.dropFirst("doubt ".count)) }
            if words.first == "confirmed", words.count == 2, let position = UInt64(words[1]) { confirmed = Position(position) }
            if words.first == "read" { last = ClockReading(words: words) }
            if words.first == "anchor" { anchor = ClockReading(words: words) }
        }
    }
}

extension ClockReading {
    /// Of a line of the note: what it is, wall, steady clock and boot.
    fileprivate init?(words: [Substring]) {
        guard words.count == 4, let wall = Int64(words[1]), let steady = Int64(words[2]) else { return nil }
        self.init(wall: Instant(milliseconds: wall), steadyMilliseconds: steady, boot: String(words[3]))
    }
}

import Events
import TestSupport

/// Events as they can be, the rare ones as often as the common ones.
extension SeededRandom {
    mutating func event() -> Event {
        var tenant: TenantID? = name()
        let deed: Event.Deed
        switch Int.random(in: 0..<3, using: &self) {
        case 0: deed = .send(send())
        case 1: deed = .localDelete(LocalDelete(conversation: name(), viewer: name(), extent: extent()))
        default:
            let change = retentionChange()
            tenant = change.scope.tenant
            deed = .retentionChange(change)
        }
        return Event(
            position: Position(max(1, number())), at: instant(), imported: chance(of: 1, in: 3) ? instant() : nil,
            principal: chance(of: 1, in: 4) ? .system : .user(UInt32(truncatingIfNeeded: number())), tenant: tenant, deed: deed)
    }

    private mutating func send() -> Send {
        Send(
            conversation: name(), sender: name(), messageID: name(), contentType: contentType(),
            bodyBytes: UInt32(truncatingIfNeeded: number()), commitment: Commitment(bytes(Commitment.byteCount)),
            clientTime: chance(of: 1, in: 2) ? instant() : nil)
    }

    private mutating func extent() -> LocalDelete.Extent {
        if chance(of: 1, in: 2) { return .upTo(Position(number())) }
        let count = chance(of: 1, in: 50) ? LocalDelete.targetsMax : Int.random(in: 1...5, using: &self)
        return .messages((0..<count).map { _ in .init(position: Position(number()), messageID: name()) })
    }

    mutating func retentionChange() -> RetentionChange {
        let scopes: [Scope] = [.system, .tenant(name()), .conversation(name(), name())]
        let rule: RetentionChange.Rule = chance(of: 1, in: 6) ? .inherit : .keep(period())
        return RetentionChange(
            scope: scopes[Int.random(in: 0..<3, using: &self)], rule: rule, effectiveAt: instant(),
            reason: text(bytesMax: RetentionChange.reasonBytesMax, from: 0))
    }

    mutating func period() -> Period {
        switch Int.random(in: 0..<5, using: &self) {
        case 0: .days(.random(in: 1...Period.daysMax, using: &self))
        case 1: .weeks(.random(in: 1...Period.weeksMax, using: &self))
        case 2: .months(.random(in: 1...Period.monthsMax, using: &self))
        case 3: .years(.random(in: 1...Period.yearsMax, using: &self))
        default: .forever
        }
    }

    mutating func instant() -> Instant {
        Instant(milliseconds: .random(in: Instant.distantPast.milliseconds...Instant.distantFuture.milliseconds, using: &self))
    }

    /// Of any number of bits, each as often as the others.
    mutating func number() -> UInt64 { next() >> UInt64.random(in: 0..<64, using: &self) }

    mutating func name<Of>() -> Name<Of> {
        let text = text(bytesMax: chance(of: 1, in: 4) ? Name<Of>.bytesMax : 12, from: 0x20)
        do { return try Name(text.isEmpty ? "n" : text) } catch { preconditionFailure("because \(text) \(error.explanation)") }
    }

    private mutating func contentType() -> ContentType {
        switch Int.random(in: 0..<3, using: &self) {
        case 0: .plainText
        case 1: .png
        default: ContentType(text: "x/" + String((0..<Int.random(in: 0...126, using: &self)).map { _ in Character(asciiSign()) }))
        }
    }

    private mutating func asciiSign() -> Unicode.Scalar { Unicode.Scalar(UInt8.random(in: 0x20...0x7E, using: &self)) }

    /// Scalars of one to four bytes, as many as fit; no controls but those from `first` on below 0x20.
    private mutating func text(bytesMax: Int, from first: UInt32) -> String {
        var text = String.UnicodeScalarView()
        var room = Int.random(in: 1...bytesMax, using: &self)
        let tops: [UInt32] = [0x7E, 0x7FF, 0xFFFF, 0x10_FFFF]
        while true {
            let number = UInt32.random(in: first...tops[Int.random(in: 0..<4, using: &self)], using: &self)
            guard !(0x7F..<0xA0).contains(number), let scalar = Unicode.Scalar(number) else { continue }
            room -= UTF8.width(scalar)
            guard room >= 0 else { return String(text) }
            text.append(scalar)
        }
    }
}

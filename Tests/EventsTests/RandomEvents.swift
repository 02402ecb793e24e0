import Events
import TestSupport

/// Events as they can be, the rare ones as often as the common ones.
extension SeededRandom {
    mutating func event() -> Event {
        let (tenant, deed) = tenantAndDeed()
        return Event(
            position: Position(max(1, number())), at: instant(), imported: chance(of: 1, in: 3) ? instant() : nil,
            principal: chance(of: 1, in: 4) ? .system : .user(UInt32(truncatingIfNeeded: number())), tenant: tenant, deed: deed)
    }

    private mutating func tenantAndDeed() -> (TenantID?, Event.Deed) {
        switch Int.random(in: 0..<4, using: &self) {
        case 0: return (name(), .send(send()))
        case 1: return (name(), .localDelete(LocalDelete(conversation: name(), viewer: name(), extent: extent())))
        case 2: return (name(), .access(access()))
        default: return rule()
        }
    }

    private mutating func access() -> Access {
        let first = Position(max(1, number()))
        return Access(
            chance(of: 1, in: 2) ? .timeline : chance(of: 1, in: 2) ? .message : .messageHistory,
            conversation: chance(of: 1, in: 2) ? nil : name(), messageID: chance(of: 1, in: 2) ? nil : name(),
            range: chance(of: 1, in: 2) ? nil : first...Position(first.rawValue | number()), bodies: number() >> 1,
            reason: "r" + text(bytesMax: Access.reasonBytesMax - 1, from: 0))
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
    mutating func text(bytesMax: Int, from first: UInt32) -> String {
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

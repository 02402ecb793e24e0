import Archive
import Events
import NIOCore
import RESP

/// Words that many answers are made of.
extension ReplyWriter {
    mutating func refuse(_ refusal: Refusal) { error(code: refusal.code.rawValue, refusal.sentence) }

    mutating func refuse(_ code: Refusal.Code, _ sentence: String) { error(code: code.rawValue, sentence) }

    /// A map's key.
    mutating func key(_ key: StaticString) { key.withUTF8Buffer { bulk(UnsafeRawBufferPointer($0)) } }

    mutating func position(_ position: Position) { integer(Int(clamping: position.rawValue)) }

    mutating func position(orNull position: Position?) {
        if let position { self.position(position) } else { null() }
    }

    mutating func instant(_ instant: Instant) { integer(Int(instant.milliseconds)) }

    mutating func instant(orNull instant: Instant?) {
        if let instant { self.instant(instant) } else { null() }
    }

    mutating func name<Of>(_ name: Name<Of>) { bulk(name.utf8) }

    mutating func text(orNull text: String?) {
        if let text { bulk(text) } else { null() }
    }

    /// Bytes as hexadecimal digits.
    mutating func hexadecimal(_ bytes: [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bulk(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

/// How an append is answered, by the command's own choice.
enum AppendAnswer: UInt8 {
    /// The position.
    case position
    /// Position, and whether it is a new one.
    case positionReport
    /// A retention change's position and when it takes effect.
    case retention
    /// The same, and whether it is a new one.
    case retentionReport
}

extension ReplyWriter {
    /// The answer of an append, once it is on disk.
    @inline(__always)
    mutating func verdict(_ verdict: Verdict, as answer: AppendAnswer) {
        switch verdict {
        case .appended(let position, let effectiveAt):
            if answer == .position { return self.position(position) }
            append(position, effectiveAt, status: "appended", as: answer)
        case .present(let position, let effectiveAt):
            if answer == .position { return self.position(position) }
            append(position, effectiveAt, status: "present", as: answer)
        case .refused(let refusal):
            refuse(refusal)
        }
    }

    private mutating func append(_ position: Position, _ effectiveAt: Instant, status: StaticString, as answer: AppendAnswer) {
        switch answer {
        case .position:
            self.position(position)
        case .positionReport:
            array(count: 2)
            self.position(position)
            key(status)
        case .retention, .retentionReport:
            map(count: answer == .retention ? 2 : 3)
            key("position")
            self.position(position)
            key("effective-at")
            instant(effectiveAt)
            if answer == .retentionReport {
                key("status")
                key(status)
            }
        }
    }
}

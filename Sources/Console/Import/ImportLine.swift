package import AnnalsClient
import FoundationEssentials

/// What a line of an import asks for: a request for the daemon, or why it is none.
package enum ImportLine: Equatable, Sendable {
    case request(Kind, [Word])
    case refused(Reason)

    /// The kinds of lines, named as the events that they become.
    package enum Kind: String, CaseIterable, Sendable {
        case send
        case localDelete = "local-delete"
        case retentionChange = "retention-change"
    }

    /// Why a line was refused, in few words: lines are counted by it.
    package struct Reason: Hashable, Comparable, Sendable, CustomStringConvertible {
        package let description: String

        package init(_ description: String) { self.description = description }

        package static func < (left: Reason, right: Reason) -> Bool { left.description < right.description }

        package static let notJSON = Reason("not JSON")
        package static let tooLong = Reason("line too long")
        package static let unknownType = Reason("unknown type")

        /// A field that is absent or null.
        package static func no(_ field: String) -> Reason { Reason("no \(field)") }

        /// A field with a value of another type than it should have.
        package static func bad(_ field: String) -> Reason { Reason("bad \(field)") }
    }

    /// Reads one line.
    package init(_ line: LineReader.Line) {
        guard !line.isCut else {
            self = .refused(.tooLong)
            return
        }
        do throws(Refusal) {
            let fields = try Fields(reading: line.bytes)
            guard let type = fields.type else { throw Refusal(.no("type")) }
            guard let kind = Kind(rawValue: type) else { throw Refusal(.unknownType) }
            self = .request(kind, try fields.request(for: kind))
        } catch {
            self = .refused(error.reason)
        }
    }

    fileprivate struct Refusal: Error {
        let reason: Reason

        init(_ reason: Reason) { self.reason = reason }
    }

    /// The fields of all kinds of lines; a null is as good as nothing.
    fileprivate struct Fields: Decodable {
        let type: String?
        /// `system`, where a change of a policy is meant for everybody.
        let scopeWord: String?
        let tenant: String?
        let conversation: String?
        let sender: String?
        let viewer: String?
        let messageID: String?
        let body: String?
        let period: String?
        let reason: String?
        /// Whether the period is the least that anything is kept for, not a policy.
        let floor: Bool?
        /// Whether it can afterwards only be made longer.
        let lock: Bool?
        let sentAt: Milliseconds?
        let at: Milliseconds?

        enum CodingKeys: String, CodingKey {
            case scopeWord = "scope"
            case type, tenant, conversation, sender, viewer, body, period, reason, floor, lock, at
            case messageID = "message_id"
            case sentAt = "sent_at"
        }
    }

    /// A type of its own, because the decoder calls a number with a fraction damaged JSON and does not say where it stands.
    fileprivate struct Milliseconds: Decodable {
        let count: Int64

        init(from decoder: any Decoder) throws {
            do {
                count = try decoder.singleValueContainer().decode(Int64.self)
            } catch {
                throw DecodingError.typeMismatch(Self.self, .init(codingPath: decoder.codingPath, debugDescription: "not whole"))
            }
        }
    }
}

extension ImportLine.Fields {
    fileprivate init(reading bytes: [UInt8]) throws(ImportLine.Refusal) {
        // The decoder would take bytes with zeros among them for UTF-16. JSON has no bare zero, so here they are nothing.
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else { throw .init(.notJSON) }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw .init(Self.reason(for: error))
        } catch {
            throw .init(.notJSON)
        }
    }

    private static func reason(for error: DecodingError) -> ImportLine.Reason {
        switch error {
        case .typeMismatch(_, let context), .dataCorrupted(let context):
            context.codingPath.last.map { .bad(name(of: $0.stringValue)) } ?? .notJSON
        default:
            .notJSON
        }
    }

    fileprivate func request(for kind: ImportLine.Kind) throws(ImportLine.Refusal) -> [Word] {
        let words: [Word]
        let time: ImportLine.Milliseconds?
        switch kind {
        case .send:
            words = [
                "SEND", .text(try tenant.named("tenant")), .text(try conversation.named("conversation")),
                .text(try sender.named("sender")), .text(try messageID.named("message_id")), .text(try body.named("body")),
            ]
            time = sentAt
        case .localDelete:
            words = [
                "LOCALDELETE", .text(try tenant.named("tenant")), .text(try conversation.named("conversation")),
                .text(try viewer.named("viewer")), "ID", .text(try messageID.named("message_id")),
            ]
            time = at
        case .retentionChange:
            words =
                ["RETENTION.SET"] + (try scope) + [.text(try period.named("period"))] + kindOfRule
                + ["REASON", .text(try reason.named("reason"))]
            time = at
        }
        // REPORT: then the answer tells a first time from a repetition.
        return words + ["AT", .number(Int(try time.named("at").count)), "REPORT"]
    }

    private var scope: [Word] {
        get throws(ImportLine.Refusal) {
            guard let tenant else {
                // A tenant that was left out or misspelled must not change the policy of everybody: that has to be said.
                guard conversation == nil, scopeWord == "system" else { throw .init(.no("tenant")) }
                return ["SYSTEM"]
            }
            return ["TENANT", .text(tenant)] + (conversation.map { ["CONVERSATION", .text($0)] } ?? [])
        }
    }

    private var kindOfRule: [Word] { (floor == true ? ["FLOOR"] : []) + (lock == true ? ["LOCK"] : []) }

    /// Fields as the summary calls them.
    fileprivate static func name(of key: String) -> String {
        switch key {
        case "message_id": "message id"
        case "sent_at", "at": "time"
        default: key
        }
    }
}

extension Optional {
    /// The value of a field that must be there.
    fileprivate func named(_ key: String) throws(ImportLine.Refusal) -> Wrapped {
        guard let self else { throw .init(.no(ImportLine.Fields.name(of: key))) }
        return self
    }
}

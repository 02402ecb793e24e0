import Console
package import RESP

/// A map of an answer.
func map(_ entries: KeyValuePairs<String, RESPValue>) -> RESPValue {
    .map(entries.map { .init(key: .simple($0.key), value: $0.value) })
}

/// The surfaces that views are tested on.
enum Sheet {
    static let file = View(surface: .file, zone: .utc)
    static let terminal = View(surface: Surface(width: 80, hasColours: false), zone: .utc)
    static let narrow = View(surface: Surface(width: 60, hasColours: false), zone: .utc)

    /// 2018-02-03 04:05:06.789
    static let moment = RESPValue.integer(1_517_630_706_789)
}

/// Answers of the daemon that several views show.
enum Sample {
    /// A message whose body may be read, or one without a body and in the given state.
    static func message(state: String = "visible", held: Bool = false, receipt: Int? = nil) -> RESPValue {
        map([
            "position": 7, "at": Sheet.moment, "tenant": "t", "conversation": "c", "sender": "s", "id": "m", "type": "text/plain",
            "body": state == "visible" ? "hello" : .null, "state": .simple(state), "expires": .integer(1_533_182_706_789),
            "held": .boolean(held), "receipt": receipt.map { .integer($0) } ?? .null,
        ])
    }
}

/// Literals, so that an answer is read as what it says.
extension RESPValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    package init(stringLiteral text: String) { self = .simple(text) }
    package init(integerLiteral number: Int) { self = .integer(number) }
    package init(booleanLiteral flag: Bool) { self = .boolean(flag) }
}

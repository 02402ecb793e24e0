package import Events
import RESP

/// An event as text, with the names and the values that it has on the wire: for commands that read the log without a daemon.
package struct EventText {
    private let fields: [(name: String, value: RESPValue)]

    package init(_ event: Event) {
        var writer = ReplyWriter(version: .resp3)
        writer.event(event)
        var parser = ReplyParser()
        do {
            guard case .map(let entries) = try parser.next(from: &writer.buffer) else {
                preconditionFailure("an event is a map, because its writer begins one")
            }
            fields = entries.map { ($0.key.string ?? "", $0.value) }
        } catch { preconditionFailure("what the writer writes can be read, because both are of one protocol: \(error)") }
    }

    /// One line: a JSON object. Times are ms since 1970, absent values are null.
    package var json: String {
        "{" + fields.map { "\(Self.json($0.name)):\(Self.json($0.value))" }.joined(separator: ",") + "}"
    }

    /// One line for people: position, time, kind, principal and tenant below each other, then the others as `name=value`.
    package var line: String {
        let columns = zip(Self.columns, fields).map { column, field in
            let text = Self.text(field.value, under: field.name)
            let padding = String(repeating: " ", count: max(0, column.width - text.count))
            return column.isNumber ? padding + text : text + padding
        }
        let rest = fields.dropFirst(Self.columns.count).filter { !$0.value.isNull }
        return (columns + rest.map { "\($0.name)=\(Self.text($0.value, under: $0.name))" }).joined(separator: "  ")
    }

    /// What stands above the lines.
    package static var heading: String {
        zip(columns, ["position", "at", "kind", "principal", "tenant"]).map { column, name in
            let padding = String(repeating: " ", count: max(0, column.width - name.count))
            return column.isNumber ? padding + name : name + padding
        }.joined(separator: "  ")
    }

    private static let columns: [(width: Int, isNumber: Bool)] = [(10, true), (24, false), (16, false), (9, false), (12, false)]
    private static let times: Set<String> = ["at", "recorded", "client-time", "effective-at", "horizon-at", "before", "wall"]

    private static func text(_ value: RESPValue, under name: String) -> String {
        switch value {
        case .integer(let number) where times.contains(name): Instant(milliseconds: Int64(number)).description
        case .integer(let number): String(number)
        case .boolean(let flag): flag ? "yes" : "no"
        case .array(let values): values.map { text($0, under: name) }.joined(separator: ",")
        case .null: "-"
        default: harmless(value.string ?? "")
        }
    }

    /// Without what would move a terminal's cursor.
    private static func harmless(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: "?"
            default: scalar
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }

    private static func json(_ value: RESPValue) -> String {
        switch value {
        case .integer(let number): String(number)
        case .boolean(let flag): flag ? "true" : "false"
        case .array(let values): "[" + values.map { json($0) }.joined(separator: ",") + "]"
        case .null: "null"
        default: json(value.string ?? "")
        }
    }

    /// A JSON string (RFC 8259, section 7).
    private static func json(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

import FoundationEssentials
package import RESP

extension JSON {
    /// An answer as JSON, with the wire's own names and values: times are ms since 1970, absent values are null.
    ///
    /// Bytes that are not UTF-8 cannot be a JSON string. In a map they stand in base64 under the key with `-base64` behind it
    /// (`body-base64`), elsewhere as `{"base64": …}`.
    package init(_ answer: RESPValue) {
        switch answer {
        case .null: self = .null
        case .boolean(let flag): self = .bool(flag)
        case .integer(let number): self = .integer(Int64(number))
        case .double(let number): self = .decimal(number)
        case .simple(let text), .verbatim(_, let text), .bigNumber(let text): self = .string(text)
        case .bulk(let bytes):
            self = String(validating: bytes, as: UTF8.self).map(JSON.string) ?? .object([Member("base64", .string(Self.base64(bytes)))])
        case .array(let values), .set(let values), .push(let values): self = .array(values.map { JSON($0) })
        case .map(let entries): self = .object(entries.map(Self.member))
        case .error(let code, let message): self = .object([Member("error", .string("\(code) \(message)"))])
        }
    }

    private static func member(_ entry: RESPValue.Entry) -> Member {
        let key = entry.key.string ?? JSON(entry.key).text
        if case .bulk(let bytes) = entry.value, String(validating: bytes, as: UTF8.self) == nil {
            return Member(key + "-base64", .string(base64(bytes)))
        }
        return Member(key, JSON(entry.value))
    }

    /// Bytes as base64 (RFC 4648, section 4).
    package static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
    }
}

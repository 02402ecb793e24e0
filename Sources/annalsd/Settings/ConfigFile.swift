import Foundation

/// The configuration file: one JSON object, whose keys are the settings' names.
/// ```
/// { "data": "/var/lib/annals", "socket": "/run/annals/annals.sock", "connections-max": 4000, "auditors": [0, 1000] }
/// ```
/// Numbers may be written as numbers or as texts; lists of users also as arrays.
enum ConfigFile {
    static func read(_ path: String) throws(StartFailure) -> [String: String] {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw .configFile(path: path, reason: "cannot be read: \((error as NSError).localizedDescription)")
        }
        let values: [String: Value]
        do {
            values = try JSONDecoder().decode([String: Value].self, from: bytes)
        } catch {
            throw .configFile(path: path, reason: "must be one JSON object of texts, numbers and lists of users: \(explain(error))")
        }
        return values.mapValues(\.text)
    }

    private static func explain(_ error: any Error) -> String {
        switch error {
        case DecodingError.dataCorrupted(let context):
            (context.underlyingError as? NSError)?.userInfo["NSDebugDescription"] as? String ?? context.debugDescription
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            "'\(context.codingPath.map(\.stringValue).joined(separator: "."))' is something else"
        default: "\(error)"
        }
    }

    /// A setting's value as text, whatever it was written as.
    private struct Value: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = Self.attempt({ try container.decode(Int.self) }) {
                text = String(number)
            } else if let text = Self.attempt({ try container.decode(String.self) }) {
                self.text = text
            } else {
                text = try container.decode([Value].self).map(\.text).joined(separator: ",")
            }
        }

        /// JSON does not say beforehand what a value is; a decoder tells only by trying.
        private static func attempt<Result>(_ decode: () throws -> Result) -> Result? {
            do { return try decode() } catch { return nil }
        }
    }
}

import FoundationEssentials
import Glibc

/// Where a path leads, links resolved as far as it is there.
struct FilePlace {
    private let parts: [String]

    init(_ path: String) {
        var rest = (path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path).split(separator: "/")
        var missing: [Substring] = []
        while true {
            let here = "/" + rest.joined(separator: "/")
            if let found = realpath(here, nil) {
                defer { free(found) }
                parts = (String(cString: found).split(separator: "/") + missing).map(String.init)
                return
            }
            guard let last = rest.popLast() else { break }
            missing.insert(last, at: 0)
        }
        parts = missing.map(String.init)
    }

    /// Whether it is that folder, or somewhere in it.
    func isIn(_ folder: FilePlace) -> Bool { parts.starts(with: folder.parts) }
}

extension Error {
    /// What Foundation says of a file or of JSON, as a person would: its own texts are of Swift's types.
    var inWords: String {
        switch self as any Error {
        case let fault as CocoaError: fault.system ?? "the system says no"
        case let fault as DecodingError: fault.complaint
        case let other: "\(other)"
        }
    }
}

extension CocoaError {
    fileprivate var system: String? {
        (underlying as? POSIXError).map { String(cString: strerror($0.code.rawValue)).lowercased() }
    }
}

extension DecodingError {
    fileprivate var complaint: String {
        switch self {
        case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
        case .typeMismatch(_, let context) where !context.codingPath.isEmpty, .valueNotFound(_, let context):
            "'\(context.codingPath.map { $0.stringValue }.joined(separator: "."))' is not what it must be"
        default: "it is not the JSON that it must be"
        }
    }
}

import Glibc

/// The file that keeps each refused line with its reason, as JSON lines: `{"reason","line","input"}`, and the daemon's sentence
/// as `detail` where it was the daemon that refused. An input that is not UTF-8 is under `input-base64`.
package struct Rejects: ~Copyable {
    private let descriptor: Int32
    private let path: String
    private var unwritten: [UInt8] = []

    /// Creates the file, or empties the one that is there.
    package init(path: String) throws(Trouble) {
        self.path = path
        // For its owner alone: the lines hold messages.
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw trouble() }
    }

    deinit { close(descriptor) }

    /// Adds a line; `flush` writes it.
    package mutating func add(_ line: LineReader.Line, reason: ImportLine.Reason, detail: String? = nil) {
        unwritten += Array(Self.record(line, reason: reason, detail: detail).text.utf8) + [UInt8(ascii: "\n")]
    }

    /// Writes what was added.
    package mutating func flush() throws(Trouble) {
        var rest = unwritten[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw trouble()
            }
        }
        unwritten.removeAll(keepingCapacity: true)
    }

    /// A refused line as it is kept.
    package static func record(_ line: LineReader.Line, reason: ImportLine.Reason, detail: String?) -> JSON {
        var members: [JSON.Member] = [.init("reason", .string(reason.description)), .init("line", .integer(Int64(line.number)))]
        if let detail { members.append(.init("detail", .string(detail))) }
        if let text = String(validating: line.bytes, as: UTF8.self) {
            members.append(.init("input", .string(text)))
        } else {
            members.append(.init("input-base64", .string(JSON.base64(line.bytes))))
        }
        if line.isCut { members.append(.init("cut", .bool(true))) }
        return .object(members)
    }

    private func trouble() -> Trouble {
        Trouble(.input, "cannot write \(Harmless.line(Harmless.text(path))): \(String(cString: strerror(errno)).lowercased())")
    }
}

import NIOCore

@testable import RESP

/// What a session would see of a client that sends its bytes in some pieces.
struct Client {
    private var parser: CommandParser
    private var buffer = ByteBuffer()
    private(set) var commands: [[[UInt8]]] = []
    private(set) var violation: ProtocolViolation?
    var bytesKept: Int { buffer.readableBytes }

    init(limits: CommandParser.Limits = .init()) {
        parser = CommandParser(limits: limits)
    }

    mutating func send(_ bytes: some Sequence<UInt8>) {
        buffer.writeBytes(bytes)
        let consumed = buffer.withUnsafeReadableBytes { bytes in
            while takeStep(bytes) {}
            return parser.takeConsumed()
        }
        buffer.moveReaderIndex(forwardBy: consumed)
    }

    private mutating func takeStep(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch parser.parse(bytes) {
        case .needMore: return false
        case .violation(let found):
            violation = found
            return false
        case .command:
            commands.append(
                parser.lendArguments(of: bytes) { arguments in
                    (0..<arguments.count).map { Array(arguments[$0]) }
                })
            return true
        }
    }

    /// The commands as text, for the eye.
    var texts: [[String]] { commands.map { $0.map { String(decoding: $0, as: UTF8.self) } } }

    static func after(_ text: String, limits: CommandParser.Limits = .init()) -> Client {
        var client = Client(limits: limits)
        client.send(text.utf8)
        return client
    }
}

/// A command as clients send it.
func frame(_ words: [[UInt8]]) -> [UInt8] {
    var bytes = Array("*\(words.count)\r\n".utf8)
    for word in words {
        bytes += Array("$\(word.count)\r\n".utf8) + word + Array("\r\n".utf8)
    }
    return bytes
}

func frame(_ words: String...) -> [UInt8] {
    frame(words.map { Array($0.utf8) })
}

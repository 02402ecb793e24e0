package import Archive
import RESP

/// How the door is built, and how much may wait before it. Defaults are `annalsd`'s.
package struct ReceptionOptions: Sendable {
    /// The socket's path. Made at the start, removed at the end.
    package var socketPath: String
    /// The socket file's permissions: to connect is to write.
    package var socketMode: UInt32 = 0o660
    /// The group that the socket file is given, by number; nil: as the system does it.
    package var socketGroup: UInt32?
    /// One more is answered `BUSY` and closed.
    package var connectionsMax = 16_000
    package var rights: RightsOfUsers

    /// The longest body that the archive takes; frames are bounded by it.
    package var bodyBytesMax = 64 << 10
    /// Unanswered appends of one connection; further ones wait unparsed.
    package var appendsMax = 16_384
    /// What one connection may have sent ahead while it waits; after that its socket is not read.
    package var inputBytesMax = 256 << 10
    /// What all connections together may have sent without a command's end in it. A connection that would go beyond is closed.
    package var inputBytesTotalMax = 256 << 20
    /// Answers of questions that nobody has fetched yet, of all connections together. Beyond it questions are answered `BUSY`.
    package var outputBytesTotalMax = 256 << 20

    /// How long appends wait for a fold that is behind, before they are answered `BUSY`.
    package var stallMilliseconds = 1000
    /// How long a client may leave its answers unread before its connection is closed.
    package var unreadSeconds = 60
    /// How long a stopping daemon waits for clients to fetch their last answers.
    package var drainSeconds = 10
    /// Threads that answer questions.
    package var queryThreads = 2
    /// Retention by name.
    package var presets = RetentionPreset.all

    package init(socketPath: String, rights: RightsOfUsers) {
        self.socketPath = socketPath
        self.rights = rights
    }

    /// An answer to one question is cut when it is longer, after a whole message or event.
    static let answerBytesMax = 4 << 20
    /// A session writes what it has gathered when it is longer, and looks whether its client still reads.
    static let gatherBytesMax = 64 << 10

    /// A body of one byte too many must still be read, to be refused by its name; what is far beyond is not even waited for.
    var parserLimits: CommandParser.Limits {
        var limits = CommandParser.Limits()
        limits.bulkBytesMax = max(2 * bodyBytesMax, 256 << 10)
        limits.frameBytesMax = limits.bulkBytesMax + (256 << 10)
        return limits
    }
}

import Glibc

/// An external program that is given a word and perhaps a key, and that answers with bytes in locked memory.
///
/// No clock is read here, so the bound of its time is counted in waits, each of which is short.
struct Program: Sendable {
    let words: [String]
    let environment: [String]
    let secondsMax: Int

    var path: String { words[0] }

    private static let waitMilliseconds: CInt = 10
    /// One byte more than any answer has.
    private static let outputBytes = HexKey.byteCount + 1
    private static let complaintBytesMax = 4096

    /// How a program ended.
    @safe struct Ending: ~Copyable {
        fileprivate(set) var status: CInt
        /// The first line of what it said to its standard error.
        fileprivate(set) var complaint: String
        fileprivate let memory: LockedMemory
        fileprivate let outputBytes: Int

        /// What it printed. Whoever asks keeps the ending longer.
        var output: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(memory.bytes.part(..<outputBytes)) }
    }

    /// Calls the program with one more word, and waits for its end.
    func run(_ step: String, input: RootKey?) throws(VaultFailure) -> Ending {
        // First of all, so that nothing that can fail comes after the program has started.
        let memory = try LockedMemory(byteCount: Self.outputBytes)
        let pipes = try (input: Pipe(for: path), output: Pipe(for: path), errors: Pipe(for: path))
        if let input {
            // Before there is a reader: it fits into a pipe, and no signal can come of a reader that does not read.
            try unsafe HexKey.withText(of: input) { (text) throws(VaultFailure) in try unsafe pipes.input.write(text) }
        }
        defer { [pipes.input, pipes.output, pipes.errors].forEach { $0.close() } }
        let child = try spawn(step, (pipes.input.readEnd, pipes.output.writeEnd, pipes.errors.writeEnd))
        // The program sees the end of what it is given, and its own ends are its alone.
        [pipes.input, pipes.output, pipes.errors].forEach { $0.closeWriteEnd() }
        let (status, outputBytes, complaint) = try unsafe listen(
            to: child, (pipes.output.readEnd, pipes.errors.readEnd), memory.bytes, step)
        return Ending(status: status, complaint: complaint, memory: memory, outputBytes: outputBytes)
    }

    private func listen(
        to child: pid_t, _ ends: (output: CInt, errors: CInt), _ output: UnsafeMutableRawBufferPointer, _ step: String
    ) throws(VaultFailure) -> (status: CInt, outputBytes: Int, complaint: String) {
        var waits = secondsMax * 1000 / Int(Self.waitMilliseconds)
        var complaint: [UInt8] = []
        let outputBytes: Int
        do throws(VaultFailure) {
            outputBytes = try unsafe read(ends, output, &complaint, &waits, step)
        } catch {
            stop(child)
            throw error
        }
        let status = try wait(for: child, &waits, step)
        guard status & 0x7F == 0 else {
            throw .command(program: path, step: step, reason: "was ended by signal \(status & 0x7F)")
        }
        return (status >> 8 & 0xFF, outputBytes, Self.firstLine(of: complaint))
    }

    /// Reads both ends until the program has closed them. Returns how many bytes it printed.
    private func read(
        _ ends: (output: CInt, errors: CInt), _ output: UnsafeMutableRawBufferPointer, _ complaint: inout [UInt8], _ waits: inout Int,
        _ step: String
    ) throws(VaultFailure) -> Int {
        var filled = 0
        var polled = [
            pollfd(fd: ends.output, events: Int16(POLLIN), revents: 0), pollfd(fd: ends.errors, events: Int16(POLLIN), revents: 0),
        ]
        while polled.contains(where: { $0.fd >= 0 }) {
            waits -= 1
            if waits < 0 { throw timedOut(step) }
            if unsafe poll(&polled, 2, Self.waitMilliseconds) == -1, errno != EINTR { throw .last("poll", path) }
            if polled[0].revents != 0 {
                let count = unsafe Glibc.read(ends.output, output.baseAddress! + filled, output.count - filled)
                if count > 0 { filled += count }
                if count == 0 { polled[0].fd = -1 }
                if filled == output.count { throw .command(program: path, step: step, reason: "printed more than a key") }
            }
            if polled[1].revents != 0, !readComplaint(ends.errors, &complaint) { polled[1].fd = -1 }
            polled[0].revents = 0
            polled[1].revents = 0
        }
        return filled
    }

    /// Returns whether there may be more.
    private func readComplaint(_ end: CInt, _ complaint: inout [UInt8]) -> Bool {
        var part = [UInt8](repeating: 0, count: 1024)
        let count = unsafe Glibc.read(end, &part, part.count)
        if count > 0, complaint.count < Self.complaintBytesMax { complaint += part[..<count] }
        return count != 0
    }

    private func wait(for child: pid_t, _ waits: inout Int, _ step: String) throws(VaultFailure) -> CInt {
        var status: CInt = 0
        while true {
            let ended = unsafe waitpid(child, &status, WNOHANG)
            if ended == child { return status }
            if ended == -1, errno != EINTR { throw .last("waitpid", path) }
            waits -= 1
            if waits < 0 {
                stop(child)
                throw timedOut(step)
            }
            _ = poll(nil, 0, Self.waitMilliseconds)
        }
    }

    private func timedOut(_ step: String) -> VaultFailure {
        .command(program: path, step: step, reason: "took longer than \(secondsMax) seconds and was stopped")
    }

    /// With whatever it started itself: it leads a process group of its own.
    private func stop(_ child: pid_t) {
        kill(-child, SIGKILL)
        while waitpid(child, nil, 0) == -1 && errno == EINTR {}
    }

    /// Without control characters, and not for ever.
    private static func firstLine(of bytes: [UInt8]) -> String {
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") }.prefix(200)
        return String(decoding: line.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    }
}

extension Program {
    /// With these descriptors as its standard ones, every signal as it is by default, and a process group of its own.
    fileprivate func spawn(_ step: String, _ ends: (input: CInt, output: CInt, errors: CInt)) throws(VaultFailure) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, ends.input, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, ends.output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, ends.errors, 2)
        // Not every library opens for us alone what it opens: a program must not hold on to a client, or read from it.
        if let closeFrom = unsafe Self.closeFrom { _ = unsafe closeFrom(&actions, 3) }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETPGROUP))
        var child: pid_t = 0
        let code = unsafe Self.withCStrings(words + [step]) { words in
            unsafe Self.withCStrings(environment) { unsafe posix_spawn(&child, path, &actions, &attributes, words, $0) }
        }
        guard code == 0 else { throw .command(program: path, step: step, reason: "did not start: \(VaultFailure.text(code))") }
        return child
    }

    /// `posix_spawn_file_actions_addclosefrom_np`, of Glibc since 2.34. Its header hides it behind _GNU_SOURCE, which Swift does not set.
    private static let closeFrom: CloseFrom? =
        unsafe dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map { unsafe unsafeBitCast($0, to: CloseFrom.self) }
    private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt

    private static func withCStrings<Result>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
    }
}

/// A pipe whose ends close themselves, and with every program but the one that is given them.
private final class Pipe {
    private(set) var readEnd: CInt
    private(set) var writeEnd: CInt
    private let path: String

    init(for path: String) throws(VaultFailure) {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw .last("pipe", path) }
        (readEnd, writeEnd, self.path) = (ends[0], ends[1], path)
        for end in ends where fcntl(end, F_SETFD, FD_CLOEXEC) == -1 { throw .last("fcntl", path) }
    }

    deinit { close() }

    func write(_ bytes: UnsafeRawBufferPointer) throws(VaultFailure) {
        let count = unsafe Glibc.write(writeEnd, bytes.baseAddress, bytes.count)
        if count != bytes.count { throw .last("write", path) }
    }

    func closeWriteEnd() {
        if writeEnd >= 0 { Glibc.close(writeEnd) }
        writeEnd = -1
    }

    func close() {
        closeWriteEnd()
        if readEnd >= 0 { Glibc.close(readEnd) }
        readEnd = -1
    }
}

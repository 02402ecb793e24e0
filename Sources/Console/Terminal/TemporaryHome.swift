import Glibc
import Synchronization

/// A folder that is gone when the command ends, also where Ctrl-C, a closed terminal or `kill` end it. A process has one at most.
///
/// A handler may do next to nothing (signal-safety(7)): it hands the signal to a thread that waits for it. That one removes the folder,
/// and lets the process die of the same signal.
struct TemporaryHome {
    let path: String

    private static let made = Mutex<String?>(nil)
    /// Where a handler writes the signal's number, and where the thread reads it.
    private static let mouth = Atomic<CInt>(-1)
    private static let ear = Atomic<CInt>(-1)

    /// - Parameter name: what the folder's name begins with.
    init(named name: String) throws(Trouble) {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        try Self.heedSignals()
        path = try Self.made.withLock { (made) throws(Trouble) in
            var template = Array("\(parent)/\(name)-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else {
                throw Trouble(.input, "cannot make a folder in \(parent): \(String(cString: strerror(errno)).lowercased()); set TMPDIR")
            }
            let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            made = path
            return path
        }
    }

    func remove() throws(Trouble) {
        try Self.made.withLock { (made) throws(Trouble) in
            made = nil
            try FileOutput.removeFolder(path)
        }
    }

    private static func heedSignals() throws(Trouble) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw Trouble(.input, "cannot make a pipe: \(String(cString: strerror(errno)).lowercased())")
        }
        ear.store(ends[0], ordering: .relaxed)
        mouth.store(ends[1], ordering: .relaxed)
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, { _ in TemporaryHome.removeAndDie() }, nil)
        guard code == 0 else { throw Trouble(.input, "cannot start a thread: \(String(cString: strerror(code)).lowercased())") }
        for number in [SIGINT, SIGTERM, SIGHUP] {
            var action = sigaction()
            sigaction(number, nil, &action)
            // Such as under nohup: then it is not to end at all.
            if unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { continue }
            action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                let before = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = Glibc.write(TemporaryHome.mouth.load(ordering: .relaxed), &byte, 1)
                errno = before
            }
            // A second one ends the process at once.
            action.sa_flags = SA_RESTART | CInt(bitPattern: UInt32(SA_RESETHAND))
            sigaction(number, &action, nil)
        }
    }

    /// Keeps the lock to the end: the command, whose files are taken from it, must not have the last word.
    private static func removeAndDie() -> UnsafeMutableRawPointer? {
        var number: UInt8 = 0
        while Glibc.read(ear.load(ordering: .relaxed), &number, 1) != 1 { guard errno == EINTR else { return nil } }
        return made.withLock { made in
            if let made { tearDown(made) }
            signal(CInt(number), SIG_DFL)
            kill(getpid(), CInt(number))
            while true { pause() }
        }
    }

    private static func tearDown(_ path: String) {
        // Under another name first: whoever still writes into it makes nothing new there meanwhile.
        let gone = path + ".gone"
        let place = rename(path, gone) == 0 ? gone : path
        do { try FileOutput.removeFolder(place) } catch {
            let sentence = "annals: \(error.sentence)\n"
            // Where even that cannot be written there is nobody left to tell.
            _ = Glibc.write(STDERR_FILENO, sentence, sentence.utf8.count)
        }
    }
}

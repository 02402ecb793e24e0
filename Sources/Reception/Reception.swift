package import Archive
package import Events
import Glibc
package import Logging
import NIOCore
import NIOPosix

/// The door to an archive: a Unix socket that speaks RESP, until somebody asks it to stop.
///
/// One event loop does everything that must be in order: sockets, parsing, appends. Two more threads answer questions.
package final class Reception: Sendable {
    package static let version = "0.1.0"
    static let processID = getpid()

    private let options: ReceptionOptions
    private let loop: any EventLoop
    private let group: MultiThreadedEventLoopGroup
    private let pool: NIOThreadPool
    private let desk: NIOLoopBound<Desk>
    private let logger: Logger
    private let stopping: EventLoopPromise<Void>

    /// Opens the archive, on the loop's thread: there the appender lives.
    package static func open(
        _ options: ReceptionOptions, archive archiveOptions: ArchiveOptions, logger: Logger,
        clock: @escaping @Sendable () -> Instant
    ) async throws -> Reception {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let pool = NIOThreadPool(numberOfThreads: options.queryThreads)
        do {
            let desk = try await loop.submit {
                let (archive, appender) = try Archive.open(archiveOptions, clock: clock)
                archive.leftover.tell(logger)
                let desk = Desk(
                    options: options, archive: archive, appender: appender, loop: loop, pool: pool, logger: logger, clock: clock)
                return NIOLoopBound(desk, eventLoop: loop)
            }.get()
            pool.start()
            return Reception(options: options, group: group, loop: loop, pool: pool, desk: desk, logger: logger)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
    }

    private init(
        options: ReceptionOptions, group: MultiThreadedEventLoopGroup, loop: any EventLoop, pool: NIOThreadPool, desk: NIOLoopBound<Desk>,
        logger: Logger
    ) {
        self.options = options
        self.group = group
        self.loop = loop
        self.pool = pool
        self.desk = desk
        self.logger = logger
        stopping = loop.makePromise(of: Void.self)
    }

    /// Serves clients until `stop` or an administrator's `SHUTDOWN`; returns when everything accepted is answered.
    package func serve() async throws {
        let files = FileLimit.raise()
        if files < options.connectionsMax + Self.filesBesides {
            logger.warning(
                "the system lets this process open too few files for all connections that the settings allow",
                metadata: ["files": "\(files)", "connections-max": "\(options.connectionsMax)"])
        }
        // Before the first client is there, who may be the one that stops the daemon.
        let sweep = try await prepare()
        defer { sweep.cancel() }
        let listener = try await Listener.open(options, desk: desk, on: loop)
        logger.notice("listening", metadata: ["socket": "\(options.socketPath)"])
        try await stopping.futureResult.get()
        logger.notice("stopping: what is accepted is answered")
        try await listener.close()
        try await loop.flatSubmit { [desk] in desk.value.drain() }.get()
    }

    /// Descriptors that are not connections: three for each of 512 open partitions, journal segments, the loop's own.
    private static let filesBesides = 1600

    private func prepare() async throws -> RepeatedTask {
        let seconds = max(1, Int64(options.unreadSeconds) / 6)
        return try await loop.submit { [desk, loop, stopping] in
            desk.value.onShutdown = { stopping.succeed() }
            return loop.scheduleRepeatedTask(initialDelay: .seconds(seconds), delay: .seconds(seconds)) { _ in
                desk.value.sweep(at: .now())
            }
        }.get()
    }

    /// Asks `serve` to end. May be called at any time, also twice.
    package func stop() { stopping.succeed() }

    /// Closes the archive and ends the threads. Call it after `serve` has returned, once.
    package func close() async throws {
        // Were it never served, nobody waits for this.
        stopping.succeed()
        // Before the loop closes the archive: upkeep may wait for the loop.
        let upkeep = try await loop.submit { [desk] in desk.value.archive.upkeep }.get()
        try await pool.runIfActive { upkeep.stop() }
        try await pool.shutdownGracefully()
        let closing = loop.submit { [desk] in try desk.value.archive.close(desk.value.appender) }
        do {
            try await closing.get()
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }
}

extension Archive.Leftover {
    /// Says what the last stop left over, if it was no clean one.
    fileprivate func tell(_ logger: Logger) {
        if events > 0 {
            logger.notice("the last stop was not a clean one; its newest events are in the journal", metadata: ["events": "\(events)"])
        }
        if destroyedAgain > 0 {
            logger.warning(
                "the keyring had keys that receipts say are destroyed: somebody put an older one back; they are destroyed again",
                metadata: ["keys": "\(destroyedAgain)"])
        }
        if let tornAt { logger.warning("a record that was never answered is cut off and dropped", metadata: ["at": "\(tornAt)"]) }
    }
}

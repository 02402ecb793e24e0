import Glibc
import Logging
import Reception
import ServiceLifecycle
import UnixSignals

/// Keeps the archive open until the door is closed.
struct ArchiveService: Service, CustomStringConvertible {
    let reception: Reception
    let logger: Logger
    let description = "archive"

    func run() async throws {
        do {
            // Services end in the opposite order of their list, so the door is closed when this goes on.
            try await gracefulShutdown()
        } catch {
            logger.debug("the archive closes, because the other services were broken off")
        }
        try await reception.close()
    }
}

/// Serves clients.
struct DoorService: Service, CustomStringConvertible {
    let reception: Reception
    let description = "door"

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await reception.serve()
        } onGracefulShutdown: {
            reception.stop()
        }
    }
}

/// The first signal asks the services to stop; the second is from somebody who will not wait.
enum Signals {
    static func watch(_ signals: UnixSignalsSequence, _ group: ServiceGroup, _ logger: Logger) async {
        var isStopping = false
        for await signal in signals {
            if isStopping {
                logger.warning("ended at once by a second signal", metadata: ["signal": "\(signal)"])
                _exit(1)
            }
            isStopping = true
            logger.notice("signal received", metadata: ["signal": "\(signal)"])
            await group.triggerGracefulShutdown()
        }
    }
}

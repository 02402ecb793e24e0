import Archive
import Glibc

/// Where a test ends the process, as a power failure would: `ANNALS_FAIL_POINT=shred-begun`, or `…=evacuate-slice:3` for the third time.
enum FailPoints {
    static func ofTheEnvironment() -> @Sendable (FailPoint) -> Void {
        guard let text = getenv("ANNALS_FAIL_POINT").map({ String(cString: $0) }), !text.isEmpty else { return { _ in } }
        let parts = text.split(separator: ":")
        let name = String(parts[0])
        let countdown = Countdown(parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
        return { point in
            guard point.name == name, countdown.isOver() else { return }
            kill(getpid(), SIGKILL)
        }
    }
}

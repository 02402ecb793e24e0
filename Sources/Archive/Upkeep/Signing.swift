import Events
import Merkle
import Projections
import Synchronization

/// When the next checkpoint is to be signed.
struct SigningTurn {
    /// Something was destroyed: at once.
    var isDue = false
    var lastTried = Instant.distantPast
}

extension Upkeep {
    /// Signs a checkpoint if it is time to, and the log has grown. A failure holds up nothing else, and it is tried again.
    func keepCheckpoint() {
        let now = core.now
        let wait = core.options.audit.checkpointMilliseconds
        let isTime = signing.withLock { turn in
            guard turn.isDue || now >= turn.lastTried.advanced(byMilliseconds: wait) else { return false }
            turn = SigningTurn(lastTried: now)
            return true
        }
        guard isTime, core.trouble.withLock({ $0 == nil }) else { return }
        // A receipt that was just written is to be in the checkpoint.
        flushFold()
        do throws(ArchiveFailure) {
            // Of nothing there is nothing to be said.
            guard try core.store.progress().position != .none else { return }
            _ = try sign()
        } catch { fail(signing: error) }
    }

    /// Signs, and tells what came of it. From any thread.
    func sign() throws(ArchiveFailure) -> Notary.Signed {
        do throws(ArchiveFailure) {
            let before = core.notary.newest?.head.size
            let signed = try core.notary.sign(AuditTree(core.store))
            if signed.head.size != before { tell(.signed(size: signed.head.size.leaves)) }
            status.withLock { $0.checkpointError = nil }
            return signed
        } catch {
            fail(signing: error)
            throw error
        }
    }

    private func fail(signing failure: ArchiveFailure) {
        let reason = "\(failure)"
        // Once, and not at every look.
        if status.withLock({ $0.checkpointError }) != reason { tell(.signingFailed(reason)) }
        status.withLock { $0.checkpointError = reason }
    }
}
